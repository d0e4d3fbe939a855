package tenancy

import (
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

// owned is what the API server notes of who set labels.
func owned(manager, fields string) []metav1.ManagedFieldsEntry {
	return []metav1.ManagedFieldsEntry{{
		Manager: manager, Operation: metav1.ManagedFieldsOperationApply, FieldsType: "FieldsV1", FieldsV1: metav1.NewFieldsV1(fields),
	}}
}

func TestLabelsOfANamespace(t *testing.T) {
	tenant := ofA(v1alpha1.TenantSpec{PodSecurity: &v1alpha1.PodSecurity{Enforce: "baseline", Warn: "restricted"}})
	pinned := ofA(v1alpha1.TenantSpec{PodSecurity: &v1alpha1.PodSecurity{Audit: "restricted", Version: "v1.30"}})
	for name, c := range map[string]struct {
		tenant *v1alpha1.Tenant
		made   bool
		want   namespaceLabels
	}{
		"made": {tenant, true, namespaceLabels{
			set: map[string]string{
				"team.example.com/tenant": "a", ManagedByLabel: ManagedBy, TenantLabel: "a", MadeLabel: "true",
				"pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/warn": "restricted",
			},
			absent: []string{"pod-security.kubernetes.io/enforce-version", "pod-security.kubernetes.io/warn-version"},
		}},
		"adopted, with a version": {pinned, false, namespaceLabels{set: map[string]string{
			"pod-security.kubernetes.io/audit": "restricted", "pod-security.kubernetes.io/audit-version": "v1.30",
		}}},
		"adopted, with nothing to say": {ofA(v1alpha1.TenantSpec{}), false, namespaceLabels{set: map[string]string{}}},
	} {
		t.Run(name, func(t *testing.T) {
			got := wantedLabels(c.tenant, "team.example.com/tenant", c.made)
			if diff := cmp.Diff(c.want, got, cmp.AllowUnexported(namespaceLabels{})); diff != "" {
				t.Errorf("labels (-want +got):\n%s", diff)
			}
		})
	}
}

func TestLabelsThatMustGo(t *testing.T) {
	fields := `{"f:metadata":{"f:labels":{".":{},"f:pod-security.kubernetes.io/audit":{},"f:kubernetes.io/metadata.name":{},"f:gone":{}}}}`
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Labels: map[string]string{
			"pod-security.kubernetes.io/audit": "restricted", "pod-security.kubernetes.io/enforce-version": "v1.0",
			"kubernetes.io/metadata.name": "ns", "team": "blue",
		},
		ManagedFields: append(owned(FieldManager, fields), owned("kubectl", `{"f:metadata":{"f:labels":{"f:team":{}}}}`)...),
	}}
	want := namespaceLabels{absent: []string{"pod-security.kubernetes.io/enforce-version"}}
	got := unwantedLabels(ns, want)
	if diff := cmp.Diff([]string{"pod-security.kubernetes.io/audit", "pod-security.kubernetes.io/enforce-version"}, got); diff != "" {
		t.Errorf("labels (-want +got):\n%s", diff)
	}
	if hasLabels(ns, want) {
		t.Error("the namespace has what it must not")
	}
}

func TestWhoseANamespaceIs(t *testing.T) {
	made := map[string]string{"tenant": "a", ManagedByLabel: ManagedBy, TenantLabel: "a", MadeLabel: "true"}
	without := func(keys ...string) map[string]string {
		out := maps.Clone(made)
		for _, key := range keys {
			delete(out, key)
		}
		return out
	}
	given := without()
	given["tenant"] = "b"
	ownedLabel := owned(FieldManager, `{"f:metadata":{"f:labels":{"f:tenant":{}}}}`)
	for name, c := range map[string]struct {
		labels        map[string]string
		fields        []metav1.ManagedFieldsEntry
		made, belongs bool
	}{
		"made":                              {made, nil, true, true},
		"made, the tenant label taken away": {without("tenant"), nil, true, true},
		"made, the mark taken away":         {without(MadeLabel), ownedLabel, true, true},
		"made, another tool's":              {without(ManagedByLabel), ownedLabel, true, true},
		"made, and given to another":        {given, ownedLabel, false, false},
		"made, and nothing of it left":      {nil, ownedLabel, false, false},
		"adopted":                           {map[string]string{"tenant": "a"}, owned("kubectl", `{"f:metadata":{"f:labels":{"f:tenant":{}}}}`), false, true},
		"another's":                         {map[string]string{"tenant": "b"}, nil, false, false},
		"nobody's":                          {nil, nil, false, false},
	} {
		t.Run(name, func(t *testing.T) {
			ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Labels: c.labels, ManagedFields: c.fields}}
			if got := isMadeFor(ns, "a", "tenant"); got != c.made {
				t.Errorf("made: %t", got)
			}
			if got := belongsTo(ns, "a", "tenant"); got != c.belongs {
				t.Errorf("belongs: %t", got)
			}
		})
	}
}

func TestNamespacesThatCanBeNobodys(t *testing.T) {
	for name, want := range map[string]bool{
		"default": true, "kube-system": true, "kube-public": true, "usher-system": true, "exempt": true,
		"kubernetes": false, "defaults": false, "team": false,
	} {
		if got := isReserved(name, []string{"exempt"}); got != want {
			t.Errorf("%s: %t", name, got)
		}
	}
}
