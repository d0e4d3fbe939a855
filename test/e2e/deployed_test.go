package e2e

import (
	"context"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

func TestTheDeploymentsProbesAreAnswered(t *testing.T) {
	manifests, err := repository.Manifests(t.Context(), "base")
	if err != nil {
		t.Fatal(err)
	}
	container, err := repository.DeployedContainer(manifests, webhook.Name)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for name, probe := range map[string]*corev1.Probe{
		"startup": container.StartupProbe, "liveness": container.LivenessProbe, "readiness": container.ReadinessProbe,
	} {
		if err := shared.usher.Process.WaitReady(ctx, http.DefaultClient, shared.usher.Probe(probe.HTTPGet.Path)); err != nil {
			t.Errorf("%s probe: %v", name, err)
		}
	}
}
