package tenancy

import (
	"maps"
	"slices"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

const podSecurityPrefix = "pod-security.kubernetes.io/"

// namespaceLabels are the labels that a namespace of the tenant must bear, and
// those that it must not: a version that somebody adds would weaken the level
// beside it. A level that the Tenant leaves open is left to others.
type namespaceLabels struct {
	set    map[string]string
	absent []string
}

// wantedLabels are those of a namespace that was made for the tenant or, if not
// made, adopted. An adopted one keeps what it is known by to others.
func wantedLabels(t *v1alpha1.Tenant, tenantLabel string, made bool) namespaceLabels {
	want := namespaceLabels{set: map[string]string{}}
	if made {
		maps.Copy(want.set, managedLabels(t.Name))
		want.set[tenantLabel] = t.Name
		want.set[MadeLabel] = "true"
	}
	levels := t.Spec.PodSecurity
	if levels == nil {
		return want
	}
	for _, mode := range []struct{ name, level string }{
		{"audit", levels.Audit}, {"enforce", levels.Enforce}, {"warn", levels.Warn},
	} {
		if mode.level == "" {
			continue
		}
		want.set[podSecurityPrefix+mode.name] = mode.level
		if version := podSecurityPrefix + mode.name + "-version"; levels.Version != "" {
			want.set[version] = levels.Version
		} else {
			want.absent = append(want.absent, version)
		}
	}
	return want
}

// newNamespace is the namespace as it is made.
func newNamespace(t *v1alpha1.Tenant, tenantLabel, name string) *corev1.Namespace {
	return &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: name, Labels: wantedLabels(t, tenantLabel, true).set,
	}}
}

// isMadeFor says whether usher made the namespace for the tenant: by its labels or,
// where somebody took some of them away, because usher put the tenant label there,
// which it does on what it makes alone. One that an administrator has given to
// another tenant since is that one's.
func isMadeFor(ns *corev1.Namespace, tenant, tenantLabel string) bool {
	owner, labelled := ns.Labels[tenantLabel]
	if labelled && owner != tenant {
		return false
	}
	return ns.Labels[MadeLabel] == "true" && ns.Labels[TenantLabel] == tenant ||
		labelled && slices.Contains(ownedLabels(ns), tenantLabel)
}

// belongsTo says whether the namespace is the tenant's: by its label or, where
// that was taken away, because it was made for the tenant.
func belongsTo(ns *corev1.Namespace, tenant, tenantLabel string) bool {
	return ns.Labels[tenantLabel] == tenant || isMadeFor(ns, tenant, tenantLabel)
}
