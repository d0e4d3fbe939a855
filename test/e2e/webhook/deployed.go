package webhook

import (
	"encoding/json"
	"errors"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// DeployedContainer returns the webhook's container in the manifests' Deployment.
func DeployedContainer(manifests []*unstructured.Unstructured) (corev1.Container, error) {
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

// ShippedConfiguration returns the configuration file in the manifests' ConfigMap.
func ShippedConfiguration(manifests []*unstructured.Unstructured) (string, error) {
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
