package doctor

import (
	"context"
	"maps"
	"slices"
	"strings"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apiserver/pkg/admission"
	"k8s.io/utils/ptr"

	"usher.dev/usher/internal/doctor/webhooks"
)

// probeTenant is the tenant of the namespace in which doors are tried; there is
// none of that name.
const probeTenant = "usher-doctor"

// door is one way in which an object comes into the cluster or is changed.
type door struct {
	group, resource string
	operation       admissionregistrationv1.OperationType
}

func (d door) String() string {
	resource := d.resource
	if d.group != "" {
		resource += "." + d.group
		if name, sub, ok := strings.Cut(d.resource, "/"); ok {
			resource = name + "." + d.group + "/" + sub
		}
	}
	return string(d.operation) + " " + resource
}

// doors are those that the rules of a webhook name.
func doors(h *webhooks.Hook) (all []door) {
	for _, rule := range h.Rules {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, operation := range rule.Operations {
					all = append(all, door{group, resource, operation})
				}
			}
		}
	}
	return all
}

// kindsOf are the kinds by which the conditions of usher's webhooks tell requests
// apart; others are of no consequence to them.
var kindsOf = map[string]string{
	"pods": "Pod", "pods/ephemeralcontainers": "Pod", "pods/resize": "Pod", "pods/binding": "Binding", "bindings": "Binding",
	"namespaces": "Namespace", "namespaces/status": "Namespace", "namespaces/finalize": "Namespace",
	"services": "Service", "resourceclaims": "ResourceClaim", "gpunodes": "GPUNode", "gpunodes/status": "GPUNode", "tenants": "Tenant",
}

// clusterWide are the resources of usher's rules that are in no namespace.
var clusterWide = []string{"namespaces", "gpunodes", "tenants"}

// request goes through the door as somebody does who has no part in the platform,
// with a change of everything that a condition may ask about.
func (d door) request(tenantLabel string) *webhooks.Request {
	gv := schema.GroupVersion{Group: d.group, Version: "v1"}
	kind := or(kindsOf[d.resource], "Object")
	r := &webhooks.Request{
		User: "usher:doctor", Groups: []string{"system:authenticated"}, Operation: admission.Operation(d.operation),
		Resource: d.resource, Version: gv, Kind: gv.WithKind(kind), Namespace: probeTenant, Name: "probe",
	}
	name, _, _ := strings.Cut(d.resource, "/")
	if slices.Contains(clusterWide, name) {
		r.Namespace = ""
	}
	if name == "namespaces" {
		r.Name = probeTenant
	}
	object := content(gv, kind, r.Namespace, r.Name, map[string]any{"spec": map[string]any{"changed": true, "externalIPs": []any{"192.0.2.1"}}})
	metadata := object["metadata"].(map[string]any)
	metadata["labels"] = map[string]any{
		"app.kubernetes.io/managed-by": "usher", "usher.dev/tenant": probeTenant, tenantLabel: probeTenant,
		corev1.LabelMetadataName: r.Name,
	}
	metadata["annotations"] = map[string]any{"changed": "true"}
	metadata["ownerReferences"] = []any{map[string]any{"name": "changed"}}
	old := content(gv, kind, r.Namespace, r.Name, map[string]any{"spec": map[string]any{}})
	switch d.operation {
	case admissionregistrationv1.Create:
		r.Object = object
	case admissionregistrationv1.Delete:
		r.Old = object
	default:
		r.Object, r.Old = object, old
	}
	return r
}

// probeNamespaces are those in which doors are tried.
func probeNamespaces(tenantLabel string) []*corev1.Namespace {
	return []*corev1.Namespace{{ObjectMeta: metav1.ObjectMeta{Name: probeTenant, Labels: map[string]string{tenantLabel: probeTenant}}}}
}

// openDoors are those that the wanted webhooks stand at and those there are do not,
// by the kind of configuration and the path.
func openDoors(wanted, are []*webhooks.Hook, tenantLabel string) map[string][]string {
	matcher := webhooks.NewMatcher(probeNamespaces(tenantLabel))
	asks := func(hooks []*webhooks.Hook, kind string, r *webhooks.Request) bool {
		return slices.ContainsFunc(hooks, func(h *webhooks.Hook) bool {
			asked, err := matcher.Asked(context.Background(), h, r)
			return h.Kind == kind && (asked || err != nil) // an error refuses
		})
	}
	open := map[string]map[string]bool{}
	for _, h := range wanted {
		for _, d := range doors(h) {
			r := d.request(tenantLabel)
			if asks([]*webhooks.Hook{h}, h.Kind, r) && !asks(are, h.Kind, r) {
				if open[h.Kind] == nil {
					open[h.Kind] = map[string]bool{}
				}
				open[h.Kind][d.String()] = true
			}
		}
	}
	sorted := map[string][]string{}
	for kind, set := range open {
		sorted[kind] = slices.Sorted(maps.Keys(set))
	}
	return sorted
}

// tenantKey is webhooks that look for the tenant label of the configuration.
func tenantKey(configurations []*admissionregistrationv1.ValidatingWebhookConfiguration, label string) (changed []*admissionregistrationv1.ValidatingWebhookConfiguration) {
	for _, c := range configurations {
		c = c.DeepCopy()
		for i := range c.Webhooks {
			for j := range ptr.Deref(c.Webhooks[i].NamespaceSelector, metav1.LabelSelector{}).MatchExpressions {
				if e := &c.Webhooks[i].NamespaceSelector.MatchExpressions[j]; e.Key == "tenant" {
					e.Key = label
				}
			}
		}
		changed = append(changed, c)
	}
	return changed
}
