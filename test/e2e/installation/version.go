package installation

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/test/e2e/controller"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/volume"
	"usher.dev/usher/test/e2e/webhook"
)

// Version is one version of usher, ready to be run.
type Version struct {
	// Manifests are its objects but for its webhook configurations.
	Manifests []*unstructured.Unstructured

	configurations      []*unstructured.Unstructured
	webhook, controller string // its binaries
}

// Prepare builds a version's binaries and its manifests.
func (i *Installation) Prepare(ctx context.Context, tree repository.Tree) (*Version, error) {
	folder, err := os.MkdirTemp(i.options.Folder, "version-")
	if err != nil {
		return nil, err
	}
	v := &Version{}
	manifests, err := tree.Manifests(ctx, "base")
	if err != nil {
		return nil, err
	}
	v.configurations, v.Manifests = webhook.SplitRegistration(manifests)
	if v.webhook, err = tree.Build(ctx, folder, webhook.Name); err != nil {
		return nil, err
	}
	v.controller, err = tree.Build(ctx, folder, controller.Name)
	return v, err
}

// ApplyObjects applies all that a version consists of but its webhook
// configurations: its kinds, rights and guards. What is registered from here on
// is its configurations.
func (i *Installation) ApplyObjects(ctx context.Context, v *Version) error {
	if err := i.Apply(ctx, v.Manifests...); err != nil {
		return err
	}
	i.configurations = v.configurations
	return i.WaitForKinds(ctx)
}

// AddWebhook runs one more replica of the webhook, of a version.
func (i *Installation) AddWebhook(ctx context.Context, v *Version) error {
	unit, err := i.newWebhook(ctx, v)
	if err == nil {
		i.Webhooks = append(i.Webhooks, unit)
	}
	return err
}

// newWebhook starts a further replica of the webhook.
func (i *Installation) newWebhook(ctx context.Context, v *Version) (*Unit, error) {
	folder := i.folder(webhook.Name)
	r := &webhookReplica{balancer: i.Balancer}
	if i.options.Certificates != nil {
		if err := i.mount(ctx, r, folder, v); err != nil {
			return nil, err
		}
	} else if err := i.certify(ctx, r, folder, v); err != nil {
		return nil, err
	}
	r.AddFlags(i.options.Usher...)
	if i.options.Policies != nil {
		var err error
		if r.policies, err = volume.New(filepath.Join(folder, "policies")); err != nil {
			return nil, err
		}
		if err := r.policies.Replace(i.options.Policies); err != nil {
			return nil, err
		}
		r.AddFlags("--policy-dir=" + r.policies.Path())
	}
	return run(r), nil
}

// certify prepares a replica with a certificate that the test makes. All are of one
// authority, which is trusted from the first on.
func (i *Installation) certify(ctx context.Context, r *webhookReplica, folder string, v *Version) (err error) {
	if r.Replica, err = webhook.New(ctx, i.ControlPlane, folder, v.webhook, v.Manifests, anyAddress); err != nil {
		return err
	}
	if i.authority == nil {
		i.authority = r.Authority
		return nil
	}
	return r.ServeBy(i.authority, anyAddress)
}

// ServingAuthority is that of the webhooks' certificates, where the test makes them.
func (i *Installation) ServingAuthority() *controlplane.Authority { return i.authority }

// AddController runs one more replica of the controller, of a version.
func (i *Installation) AddController(ctx context.Context, v *Version) error {
	flags := slices.Clone(i.options.Usher)
	if ttl := i.options.ReservationTTL; ttl != 0 {
		flags = append(flags, "--reservation-ttl="+ttl.String())
	}
	flags = append(flags, i.options.Certificates.flags()...)
	replica, err := controller.New(ctx, i.ControlPlane, i.folder(controller.Name), v.controller, v.Manifests, flags...)
	if err != nil {
		return err
	}
	i.Controllers = append(i.Controllers, run(controllerReplica{replica}))
	return nil
}

// folder is where a replica keeps its files.
func (i *Installation) folder(of string) string {
	i.made++
	return filepath.Join(i.options.Folder, fmt.Sprintf("%s-%d", of, i.made))
}

// Replace rolls one replica as a Deployment without unavailable ones does: a new
// one has to be ready before the oldest is told to end.
func (i *Installation) Replace(ctx context.Context, units *[]*Unit, add func(context.Context, *Version) error, v *Version) error {
	if err := add(ctx, v); err != nil {
		return err
	}
	if err := (*units)[len(*units)-1].WaitReady(ctx); err != nil {
		return err
	}
	oldest := (*units)[0]
	*units = slices.Clone((*units)[1:])
	return oldest.Terminate(ctx, 0)
}
