package chart

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/test/e2e/controlplane"
)

// kept are the objects that an uninstallation leaves.
func kept(all []*unstructured.Unstructured) []string {
	var names []string
	for _, o := range all {
		if o.GetKind() == "CustomResourceDefinition" {
			names = append(names, o.GetKind()+" "+o.GetName())
		}
	}
	slices.Sort(names)
	return names
}

// inject writes a CA bundle as the controller does, by its own rights.
func inject(t *testing.T) string {
	t.Helper()
	authority, err := controlplane.NewAuthority("usher")
	must(t, err)
	bundle := base64.StdEncoding.EncodeToString(authority.PEM)
	for _, k := range []string{"mutatingwebhookconfiguration", "validatingwebhookconfiguration"} {
		var configuration unstructured.Unstructured
		must(t, json.Unmarshal([]byte(kubectl(t, "get", k, "usher-webhook", "-o", "json")), &configuration.Object))
		for _, w := range configuration.Object["webhooks"].([]any) {
			must(t, unstructured.SetNestedField(w.(map[string]any), bundle, "clientConfig", "caBundle"))
		}
		text, err := configuration.MarshalJSON()
		must(t, err)
		_, _, err = plane.Kubectl(t.Context(), string(text), "replace", "-f", "-",
			"--as=system:serviceaccount:usher-system:usher-controller", "--field-manager=usher-controller")
		must(t, err)
	}
	return bundle
}

// bundles are the different CA bundles of all webhooks.
func bundles(t *testing.T) []string {
	t.Helper()
	all := strings.Fields(kubectl(t, "get", "mutatingwebhookconfigurations,validatingwebhookconfigurations", "-o", "jsonpath={.items[*].webhooks[*].clientConfig.caBundle}"))
	slices.Sort(all)
	return slices.Compact(all)
}

// deletions are the resources of which objects were deleted since the last
// installation, in the order of their deletion.
func deletions(t *testing.T) []string {
	t.Helper()
	log, err := plane.AuditLog()
	must(t, err)
	var order []string
	for line := range strings.Lines(string(log)) {
		var event struct {
			Stage, Verb    string
			ObjectRef      struct{ Resource, Name string }
			ResponseStatus struct{ Code int }
		}
		must(t, json.Unmarshal([]byte(line), &event))
		if event.Verb != "delete" || event.Stage != "ResponseComplete" || event.ResponseStatus.Code != 200 {
			continue
		}
		if event.ObjectRef.Name == "usher-webhook" || event.ObjectRef.Name == "usher-controller" {
			order = append(order, event.ObjectRef.Resource)
		}
	}
	return order
}
