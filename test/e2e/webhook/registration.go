package webhook

import (
	"encoding/base64"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/internal/certs"
)

// SplitRegistration takes the webhook configurations out of the manifests.
func SplitRegistration(manifests []*unstructured.Unstructured) (configurations, rest []*unstructured.Unstructured) {
	for _, object := range manifests {
		if kind := object.GetKind(); kind == "MutatingWebhookConfiguration" || kind == "ValidatingWebhookConfiguration" {
			configurations = append(configurations, object)
		} else {
			rest = append(rest, object)
		}
	}
	return configurations, rest
}

// Registration returns the webhook configurations with the one change that a
// webhook outside the cluster needs: its URL in place of its Service. The bundle
// is of the authorities to trust, in PEM.
func (r *Replica) Registration(configurations []*unstructured.Unstructured, bundle []byte) []*unstructured.Unstructured {
	return RegistrationAt(r.Port.Address(), configurations, bundle)
}

// RegistrationAt is the Registration of what serves at an address, such as a load
// balancer in front of several replicas.
func RegistrationAt(address string, configurations []*unstructured.Unstructured, bundle []byte) []*unstructured.Unstructured {
	registered := make([]*unstructured.Unstructured, len(configurations))
	for i, configuration := range configurations {
		registered[i] = configuration.DeepCopy()
		for _, webhook := range registered[i].Object["webhooks"].([]any) {
			client := webhook.(map[string]any)["clientConfig"].(map[string]any)
			path := client["service"].(map[string]any)["path"].(string)
			delete(client, "service")
			client["url"] = "https://" + address + path
			client["caBundle"] = base64.StdEncoding.EncodeToString(bundle)
		}
	}
	return registered
}

// RegistrationAtService returns the webhook configurations as they are, but for the
// port of their Service, with the annotation by which usher-controller is asked to
// write their CA bundles.
func RegistrationAtService(port int, configurations []*unstructured.Unstructured) []*unstructured.Unstructured {
	registered := make([]*unstructured.Unstructured, len(configurations))
	for i, configuration := range configurations {
		registered[i] = configuration.DeepCopy()
		annotations := registered[i].GetAnnotations()
		if annotations == nil {
			annotations = map[string]string{}
		}
		annotations[certs.InjectAnnotation] = certs.InjectSelf
		registered[i].SetAnnotations(annotations)
		for _, webhook := range registered[i].Object["webhooks"].([]any) {
			service := webhook.(map[string]any)["clientConfig"].(map[string]any)["service"].(map[string]any)
			service["port"] = int64(port)
		}
	}
	return registered
}
