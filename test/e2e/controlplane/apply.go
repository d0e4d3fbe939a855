package controlplane

import (
	"context"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/test/e2e/repository"
)

// Apply applies objects as a GitOps tool would.
func (c *ControlPlane) Apply(ctx context.Context, objects ...*unstructured.Unstructured) error {
	manifest, err := repository.Encode(objects...)
	if err != nil {
		return err
	}
	return c.ApplyYAML(ctx, manifest)
}

// ApplyYAML applies manifests as the administrator.
func (c *ControlPlane) ApplyYAML(ctx context.Context, manifests string) error {
	_, _, err := c.Kubectl(ctx, manifests, "apply", "--server-side", "-f", "-")
	return err
}

// WaitForKinds waits until the API server serves the kinds of all CRDs.
func (c *ControlPlane) WaitForKinds(ctx context.Context) error {
	_, _, err := c.Kubectl(ctx, "", "wait", "--for=condition=Established", "--timeout=30s", "crd", "--all")
	return err
}
