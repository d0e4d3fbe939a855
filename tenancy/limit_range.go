package tenancy

import (
	"strings"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"

	"usher.dev/usher/api/v1alpha1"
)

// limitRange bounds the pods and containers of one namespace; nil where the
// Tenant does not say.
func limitRange(t *v1alpha1.Tenant, namespace string) *corev1.LimitRange {
	if t.Spec.LimitRange == nil {
		return nil
	}
	spec := *t.Spec.LimitRange.DeepCopy()
	for i := range spec.Limits {
		defaultLimits(&spec.Limits[i])
	}
	return &corev1.LimitRange{ObjectMeta: meta(t.Name, namespace, t.Name+"-limits"), Spec: spec}
}

// defaultLimits fills in what the API server would (SetDefaults_LimitRangeItem),
// so that the object that it stores compares equal. It differs in one thing: of
// a device, a container that asks for none gets none. The API server would make
// the maximum the default, and every container in the namespace would take a GPU
// as soon as somebody bounds them to one.
func defaultLimits(item *corev1.LimitRangeItem) {
	if item.Type != corev1.LimitTypeContainer {
		return
	}
	for _, list := range []*corev1.ResourceList{&item.Default, &item.DefaultRequest} {
		if *list == nil {
			*list = corev1.ResourceList{}
		}
	}
	for name, amount := range item.Max {
		if _, ok := item.Default[name]; ok {
			continue
		}
		if isExtended(name) {
			amount = *resource.NewQuantity(0, resource.DecimalSI)
			if least, ok := item.Min[name]; ok {
				amount = least
			}
		}
		item.Default[name] = amount.DeepCopy()
	}
	for _, source := range []corev1.ResourceList{item.Default, item.Min} {
		for name, amount := range source {
			if _, ok := item.DefaultRequest[name]; !ok {
				item.DefaultRequest[name] = amount.DeepCopy()
			}
		}
	}
}

// isExtended says whether a resource is a device of some vendor, such as
// nvidia.com/gpu; Kubernetes' own have no domain, or kubernetes.io.
func isExtended(name corev1.ResourceName) bool {
	domain, _, ok := strings.Cut(string(name), "/")
	return ok && domain != "kubernetes.io" && !strings.HasSuffix(domain, ".kubernetes.io")
}
