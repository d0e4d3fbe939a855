package e2e

import (
	"context"
	"path/filepath"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/test/e2e/controlplane"
)

// cluster is a control plane at which usher is registered as its manifests say.
type cluster struct {
	*controlplane.ControlPlane
	usher *usher
}

// startCluster starts a control plane in folder, applies manifests/base, starts
// usher's binary as its service account and registers it.
func startCluster(ctx context.Context, folder, binary string) (*cluster, error) {
	programs, err := controlplane.FindPrograms(ctx, repository)
	if err != nil {
		return nil, err
	}
	plane, err := controlplane.New(folder, programs)
	if err != nil {
		return nil, err
	}
	c := &cluster{ControlPlane: plane}
	if err := c.install(ctx, folder, binary); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

func (c *cluster) install(ctx context.Context, folder, binary string) error {
	objects, err := buildManifests(ctx, "base")
	if err != nil {
		return err
	}
	if err := c.Start(ctx); err != nil {
		return err
	}
	configurations, rest := splitRegistration(objects)
	if err := c.apply(ctx, rest...); err != nil {
		return err
	}
	if err := c.waitForKinds(ctx); err != nil {
		return err
	}
	if c.usher, err = newUsher(ctx, c, filepath.Join(folder, "usher"), binary, rest); err != nil {
		return err
	}
	if err := c.usher.start(ctx); err != nil {
		return err
	}
	if err := c.apply(ctx, c.usher.registration(configurations, c.usher.authority.PEM)...); err != nil {
		return err
	}
	return c.applyYAML(ctx, tenants)
}

// apply applies objects as a GitOps tool would.
func (c *cluster) apply(ctx context.Context, objects ...*unstructured.Unstructured) error {
	manifest, err := encodeObjects(objects...)
	if err != nil {
		return err
	}
	_, _, err = c.Kubectl(ctx, manifest, "apply", "--server-side", "-f", "-")
	return err
}

// waitForKinds waits until the API server serves the kinds of all CRDs.
func (c *cluster) waitForKinds(ctx context.Context) error {
	_, _, err := c.Kubectl(ctx, "", "wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
	return err
}

func (c *cluster) release() {
	c.usher.release()
	c.Release()
}
