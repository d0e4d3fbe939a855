package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/test/e2e/repository"
)

// deployedContainer returns the webhook's container in the manifests' Deployment.
func deployedContainer(manifests []*unstructured.Unstructured) (corev1.Container, error) {
	for _, object := range manifests {
		if object.GetKind() != "Deployment" {
			continue
		}
		encoded, err := object.MarshalJSON()
		if err != nil {
			return corev1.Container{}, err
		}
		var deployment struct {
			Spec struct{ Template corev1.PodTemplateSpec }
		}
		if err := json.Unmarshal(encoded, &deployment); err != nil {
			return corev1.Container{}, err
		}
		if containers := deployment.Spec.Template.Spec.Containers; len(containers) == 1 {
			return containers[0], nil
		}
	}
	return corev1.Container{}, errors.New("the manifests have no Deployment with one container")
}

// shippedConfiguration returns the configuration file in the manifests' ConfigMap.
func shippedConfiguration(manifests []*unstructured.Unstructured) (string, error) {
	for _, object := range manifests {
		if object.GetKind() != "ConfigMap" {
			continue
		}
		content, found, err := unstructured.NestedString(object.Object, "data", "config.yaml")
		if found || err != nil {
			return content, err
		}
	}
	return "", errors.New("the manifests have no ConfigMap with config.yaml")
}

func TestTheDeploymentsProbesAreAnswered(t *testing.T) {
	manifests, err := repository.Manifests(t.Context(), "base")
	if err != nil {
		t.Fatal(err)
	}
	container, err := deployedContainer(manifests)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for name, probe := range map[string]*corev1.Probe{
		"startup": container.StartupProbe, "liveness": container.LivenessProbe, "readiness": container.ReadinessProbe,
	} {
		if err := shared.usher.process.WaitReady(ctx, http.DefaultClient, shared.usher.probe(probe.HTTPGet.Path)); err != nil {
			t.Errorf("%s probe: %v", name, err)
		}
	}
}
