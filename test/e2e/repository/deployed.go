package repository

import (
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime"
)

// DeployedContainer returns the only container of a Deployment among manifests.
func DeployedContainer(manifests []*unstructured.Unstructured, deployment string) (corev1.Container, error) {
	for _, object := range manifests {
		if object.GetKind() != "Deployment" || object.GetName() != deployment {
			continue
		}
		var read struct {
			Spec struct {
				Template corev1.PodTemplateSpec `json:"template"`
			} `json:"spec"`
		}
		if err := runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, &read); err != nil {
			return corev1.Container{}, err
		}
		if containers := read.Spec.Template.Spec.Containers; len(containers) == 1 {
			return containers[0], nil
		}
	}
	return corev1.Container{}, fmt.Errorf("the manifests have no Deployment %s with one container", deployment)
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
