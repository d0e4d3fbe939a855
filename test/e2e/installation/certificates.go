package installation

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/client-go/kubernetes"

	"usher.dev/usher/internal/certs"
	"usher.dev/usher/test/e2e/volume"
	"usher.dev/usher/test/e2e/webhook"
)

// bundlesWithin bounds how long the controllers may take to write CA bundles.
const bundlesWithin = 30 * time.Second

// Certificates are kept by the controllers.
type Certificates struct {
	// Authority and Leaf are how long each lasts, Overlap how long two authorities
	// are trusted before and after one takes the place of the other.
	Authority, Leaf, Overlap time.Duration
	// Lag is how long a certificate takes from its Secret into a webhook's volume.
	Lag time.Duration
}

func (c *Certificates) flags() []string {
	if c == nil {
		return nil
	}
	return []string{
		"--cert-mode=self",
		"--ca-lifetime=" + c.Authority.String(),
		"--cert-lifetime=" + c.Leaf.String(),
		"--cert-overlap=" + c.Overlap.String(),
	}
}

// leadOut makes the webhook's Service one that leads to this machine, where the load
// balancer serves under the Service's own name.
func leadOut(manifests []*unstructured.Unstructured) error {
	for _, object := range manifests {
		if object.GetKind() == "Service" && object.GetName() == webhook.Name {
			object.Object["spec"] = map[string]any{"type": "ExternalName", "externalName": "localhost"}
			return nil
		}
	}
	return fmt.Errorf("the manifests have no Service %s", webhook.Name)
}

// mount prepares a replica whose certificate is the one in the Secret.
func (i *Installation) mount(ctx context.Context, r *webhookReplica, folder string, v *Version) error {
	client, err := kubernetes.NewForConfig(i.Config())
	if err != nil {
		return err
	}
	tls, err := volume.New(filepath.Join(folder, "tls"))
	if err != nil {
		return err
	}
	if r.Replica, err = webhook.NewMounted(ctx, i.ControlPlane, folder, v.webhook, v.Manifests, tls.Path()); err != nil {
		return err
	}
	r.mounted = volume.Mount(tls, client, webhook.Namespace, certs.WebhookSecret, i.options.Certificates.Lag)
	return nil
}

// Authority returns what stands in the Secret of the authority.
func (i *Installation) Authority(ctx context.Context) (map[string][]byte, error) {
	return i.secret(ctx, certs.AuthoritySecret)
}

// Serving returns what stands in the Secret of the serving certificate.
func (i *Installation) Serving(ctx context.Context) (map[string][]byte, error) {
	return i.secret(ctx, certs.WebhookSecret)
}

func (i *Installation) secret(ctx context.Context, name string) (map[string][]byte, error) {
	client, err := kubernetes.NewForConfig(i.Config())
	if err != nil {
		return nil, err
	}
	secret, err := client.CoreV1().Secrets(webhook.Namespace).Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	return secret.Data, nil
}

// Bundles returns the CA bundles of all webhooks, in PEM.
func (i *Installation) Bundles(ctx context.Context) ([][]byte, error) {
	client, err := kubernetes.NewForConfig(i.Config())
	if err != nil {
		return nil, err
	}
	registered := client.AdmissionregistrationV1()
	var bundles [][]byte
	mutating, err := registered.MutatingWebhookConfigurations().Get(ctx, webhook.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	for i := range mutating.Webhooks {
		bundles = append(bundles, mutating.Webhooks[i].ClientConfig.CABundle)
	}
	validating, err := registered.ValidatingWebhookConfigurations().Get(ctx, webhook.Name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	for i := range validating.Webhooks {
		bundles = append(bundles, validating.Webhooks[i].ClientConfig.CABundle)
	}
	return bundles, nil
}

// waitForBundles waits until the controllers have written every CA bundle.
func (i *Installation) waitForBundles(ctx context.Context) error {
	if i.options.Certificates == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(ctx, bundlesWithin)
	defer cancel()
	for {
		bundles, err := i.Bundles(ctx)
		if err == nil && !hasEmpty(bundles) {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(errors.New("wait for CA bundles"), err, ctx.Err())
		case <-time.After(pause):
		}
	}
}

func hasEmpty(bundles [][]byte) bool {
	for _, bundle := range bundles {
		if len(bundle) == 0 {
			return true
		}
	}
	return len(bundles) == 0
}
