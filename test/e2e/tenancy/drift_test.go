package tenancy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/tenancy"
)

const wholeTenant = `
metadata: {name: drift}
spec:
  owners:
    - {kind: User, name: alice, role: Admin}
    - {kind: Group, name: developers, role: Developer}
  namespaces: [drift]
  podSecurity: {enforce: baseline, warn: restricted}
  quota: {pods: "20"}
  resourceQuota: {hard: {pods: "10", services: "5"}}
  limitRange:
    limits: [{type: Container, max: {cpu: "8", nvidia.com/gpu: "1"}}]
  network:
    egress: [{cidr: 0.0.0.0/0, ports: [{port: 443}]}]
`

// managed is everything that stands in a namespace for a tenant, its own labels
// included, and what it says.
func managed(ctx context.Context, namespace string) (map[string]any, error) {
	out := map[string]any{}
	ns := &corev1.Namespace{}
	if err := shared.Get(ctx, types.NamespacedName{Name: namespace}, ns); err != nil {
		return nil, err
	}
	if !ns.DeletionTimestamp.IsZero() {
		return nil, errors.New("the namespace is being deleted")
	}
	out["labels"] = ns.Labels
	in := client.InNamespace(namespace)
	var quotas corev1.ResourceQuotaList
	var limits corev1.LimitRangeList
	var policies networkingv1.NetworkPolicyList
	var bindings rbacv1.RoleBindingList
	for _, list := range []client.ObjectList{&quotas, &limits, &policies, &bindings} {
		if err := shared.List(ctx, list, in); err != nil {
			return nil, err
		}
	}
	for _, o := range quotas.Items {
		out["quota "+o.Name] = []any{o.Labels, o.Spec}
	}
	for _, o := range limits.Items {
		out["limits "+o.Name] = []any{o.Labels, o.Spec}
	}
	for _, o := range policies.Items {
		out["policy "+o.Name] = []any{o.Labels, o.Spec}
	}
	for _, o := range bindings.Items {
		out["binding "+o.Name] = []any{o.Labels, o.RoleRef, o.Subjects}
	}
	return out, nil
}

// edit changes an object of the namespace, as an administrator would.
func edit[T client.Object](name string, o T, change func(T)) func(context.Context) error {
	return func(ctx context.Context) error {
		o, _ := o.DeepCopyObject().(T)
		if err := shared.Get(ctx, types.NamespacedName{Namespace: "drift", Name: name}, o); err != nil {
			return err
		}
		change(o)
		return shared.Update(ctx, o)
	}
}

func editNamespace(change func(map[string]string)) func(context.Context) error {
	return func(ctx context.Context) error {
		ns := &corev1.Namespace{}
		if err := shared.Get(ctx, types.NamespacedName{Name: "drift"}, ns); err != nil {
			return err
		}
		change(ns.Labels)
		return shared.Update(ctx, ns)
	}
}

// instead deletes an object and puts another in its place, quicker than usher.
func instead[T client.Object](name string, o T, change func(T)) func(context.Context) error {
	return func(ctx context.Context) error {
		for {
			o, _ := o.DeepCopyObject().(T)
			if err := shared.Get(ctx, types.NamespacedName{Namespace: "drift", Name: name}, o); err != nil {
				return err
			}
			if err := shared.Delete(ctx, o); err != nil {
				return err
			}
			change(o)
			o.SetResourceVersion("")
			o.SetUID("")
			if err := shared.Create(ctx, o); !apierrors.IsAlreadyExists(err) {
				return err
			}
		}
	}
}

func remove(name string, o client.Object) func(context.Context) error {
	return func(ctx context.Context) error {
		o := copied(o)
		o.SetNamespace("drift")
		o.SetName(name)
		return shared.Delete(ctx, o)
	}
}

var somebody = rbacv1.Subject{APIGroup: rbacv1.GroupName, Kind: "User", Name: "mallory"}

// drifts are what somebody with every right might do.
func drifts() map[string]func(context.Context) error {
	quota, limits, policy, binding := &corev1.ResourceQuota{}, &corev1.LimitRange{}, &networkingv1.NetworkPolicy{}, &rbacv1.RoleBinding{}
	return map[string]func(context.Context) error{
		"an ingress rule is added to default-deny-all": edit("default-deny-all", policy, func(p *networkingv1.NetworkPolicy) {
			p.Spec.Ingress = []networkingv1.NetworkPolicyIngressRule{{}}
		}),
		"default-deny-all selects less": edit("default-deny-all", policy, func(p *networkingv1.NetworkPolicy) {
			p.Spec.PodSelector.MatchLabels = map[string]string{"some": "pods"}
		}),
		"a peer is added to allow-dns": edit("allow-dns", policy, func(p *networkingv1.NetworkPolicy) {
			p.Spec.Egress[0].To = append(p.Spec.Egress[0].To, networkingv1.NetworkPolicyPeer{NamespaceSelector: &metav1.LabelSelector{}})
		}),
		"the metadata service is let in": edit("allow-external-egress", policy, func(p *networkingv1.NetworkPolicy) {
			p.Spec.Egress[0].To[0].IPBlock.Except = nil
		}),
		"a policy is deleted":          remove("default-deny-all", policy),
		"a policy loses its label":     edit("allow-same-namespace", policy, func(p *networkingv1.NetworkPolicy) { delete(p.Labels, tenancy.ManagedByLabel) }),
		"a policy is another tenant's": edit("allow-same-namespace", policy, func(p *networkingv1.NetworkPolicy) { p.Labels[tenancy.TenantLabel] = "other" }),
		"a subject is added":           edit("drift-admin-binding", binding, func(b *rbacv1.RoleBinding) { b.Subjects = append(b.Subjects, somebody) }),
		"a subject is taken away":      edit("drift-developer-binding", binding, func(b *rbacv1.RoleBinding) { b.Subjects = nil }),
		"a binding is deleted":         remove("drift-admin-binding", binding),
		"a binding gives another role": instead("drift-developer-binding", binding, func(b *rbacv1.RoleBinding) { b.RoleRef.Name = "cluster-admin" }),
		"a quota is raised":            edit("drift-quota", quota, func(q *corev1.ResourceQuota) { q.Spec.Hard["pods"] = resource.MustParse("1000") }),
		"a quota forgets a resource":   edit("drift-quota", quota, func(q *corev1.ResourceQuota) { delete(q.Spec.Hard, "services") }),
		"a quota bounds more":          edit("drift-quota", quota, func(q *corev1.ResourceQuota) { q.Spec.Hard["secrets"] = resource.MustParse("0") }),
		"a quota is deleted":           remove("drift-quota", quota),
		"a quota gets scopes": instead("drift-quota", quota, func(q *corev1.ResourceQuota) {
			q.Spec.Scopes = []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeTerminating}
			q.Spec.Hard = corev1.ResourceList{"pods": resource.MustParse("1")}
		}),
		"a share is raised":        edit("drift-share", quota, func(q *corev1.ResourceQuota) { q.Spec.Hard["pods"] = resource.MustParse("1000") }),
		"a share is deleted":       remove("drift-share", quota),
		"a share loses its labels": edit("drift-share", quota, func(q *corev1.ResourceQuota) { q.Labels = nil }),
		"a share gets scopes": instead("drift-share", quota, func(q *corev1.ResourceQuota) {
			q.Spec.Scopes = []corev1.ResourceQuotaScope{corev1.ResourceQuotaScopeTerminating}
		}),
		"a limit is raised": edit("drift-limits", limits, func(l *corev1.LimitRange) { l.Spec.Limits[0].Max["cpu"] = resource.MustParse("800") }),
		"a limit is added": edit("drift-limits", limits, func(l *corev1.LimitRange) {
			l.Spec.Limits = append(l.Spec.Limits, corev1.LimitRangeItem{Type: corev1.LimitTypePod, Max: corev1.ResourceList{"cpu": resource.MustParse("1")}})
		}),
		"limits are deleted":       remove("drift-limits", limits),
		"pods need less security":  editNamespace(func(l map[string]string) { l["pod-security.kubernetes.io/enforce"] = "privileged" }),
		"pods need no security":    editNamespace(func(l map[string]string) { delete(l, "pod-security.kubernetes.io/enforce") }),
		"security as it was once":  editNamespace(func(l map[string]string) { l["pod-security.kubernetes.io/enforce-version"] = "v1.0" }),
		"the tenant label is gone": editNamespace(func(l map[string]string) { delete(l, "tenant") }),
		"it is another tool's":     editNamespace(func(l map[string]string) { l[tenancy.ManagedByLabel] = "Helm" }),
		"it is not usher's":        editNamespace(func(l map[string]string) { delete(l, tenancy.MadeLabel) }),
		"it is nobody's": editNamespace(func(l map[string]string) {
			delete(l, tenancy.MadeLabel)
			delete(l, tenancy.ManagedByLabel)
			delete(l, tenancy.TenantLabel)
		}),
	}
}

func TestDriftIsRepairedAndWhatIsTheTenantsIsLeft(t *testing.T) {
	shared.tenant(t, wholeTenant)
	shared.run(t)
	shared.awaitReady(t, "drift")

	// What the tenant and its administrators added of their own.
	own := []client.Object{
		&corev1.ConfigMap{Data: map[string]string{"a": "b"}},
		&networkingv1.NetworkPolicy{},
		&corev1.ResourceQuota{Spec: corev1.ResourceQuotaSpec{Hard: corev1.ResourceList{"configmaps": resource.MustParse("9")}}},
		&rbacv1.RoleBinding{RoleRef: rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: "view"}, Subjects: []rbacv1.Subject{somebody}},
	}
	for _, o := range own {
		o.SetNamespace("drift")
		o.SetName("own")
		if err := shared.Create(t.Context(), o); err != nil {
			t.Fatal(err)
		}
	}
	mine := editNamespace(func(l map[string]string) { l["team"] = "blue" })
	mineToo := edit("drift-quota", &corev1.ResourceQuota{}, func(q *corev1.ResourceQuota) { q.Labels["team"] = "blue" })
	for _, do := range []func(context.Context) error{mine, mineToo} {
		if err := do(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	want := settledState(t)

	for what, do := range drifts() {
		t.Run(what, func(t *testing.T) {
			t.Cleanup(func() {
				if t.Failed() {
					out, _, err := shared.Kubectl(context.Background(), "", "get", "resourcequota", "-n", "drift", "-o", "yaml", "--show-managed-fields")
					t.Log(out, err)
				}
			})
			if err := do(t.Context()); err != nil {
				t.Fatal(err)
			}
			// A label that somebody puts on what is deleted is lost with it.
			awaitTrue(t, what+": is repaired", func() error {
				got, err := managed(t.Context(), "drift")
				if err != nil {
					return err
				}
				if diff := cmp.Diff(withoutTeam(want), withoutTeam(got)); diff != "" {
					return fmt.Errorf("(-want +got):\n%s", diff)
				}
				return nil
			})
			shared.awaitReady(t, "drift")
		})
	}

	for _, o := range own {
		if err := shared.Get(t.Context(), client.ObjectKeyFromObject(o), o); err != nil {
			t.Errorf("what was the tenant's own is gone: %v", err)
		}
	}
	ns := &corev1.Namespace{}
	if err := shared.Get(t.Context(), types.NamespacedName{Name: "drift"}, ns); err != nil || ns.Labels["team"] != "blue" {
		t.Errorf("the namespace's own label: %v, %v", ns.Labels, err)
	}
	awaitTrue(t, "Events tell of it", func() error {
		var told eventsv1.EventList
		if err := shared.List(t.Context(), &told, client.InNamespace("default")); err != nil {
			return err
		}
		for _, event := range told.Items {
			if event.Reason == tenancy.ReasonDriftRepaired && event.Regarding.Name == "drift" {
				return nil
			}
		}
		return fmt.Errorf("%d Events, none of them", len(told.Items))
	})

	t.Run("the namespace is deleted", func(t *testing.T) {
		if err := remove("drift", &corev1.Namespace{})(t.Context()); err != nil {
			t.Fatal(err)
		}
		maps.DeleteFunc(want, func(key string, _ any) bool { return key[len(key)-4:] == " own" })
		awaitTrue(t, "it is made again", func() error {
			got, err := managed(t.Context(), "drift")
			if err != nil {
				return err
			}
			if diff := cmp.Diff(withoutTeam(want), withoutTeam(got)); diff != "" {
				return fmt.Errorf("(-want +got):\n%s", diff)
			}
			return nil
		})
	})
}

// settledState is what is managed once the share has got all that there is.
func settledState(t *testing.T) map[string]any {
	t.Helper()
	var state map[string]any
	awaitTrue(t, "the only namespace has the whole quota", func() (err error) {
		if state, err = managed(t.Context(), "drift"); err != nil {
			return err
		}
		share, ok := state["quota drift-share"].([]any)
		if !ok {
			return errors.New("there is no share")
		}
		if pods := share[1].(corev1.ResourceQuotaSpec).Hard["pods"]; pods.Value() != 20 {
			return fmt.Errorf("it has %s", pods.String())
		}
		return nil
	})
	return state
}

// withoutTeam drops the label of somebody's own.
func withoutTeam(state map[string]any) map[string]any {
	out := map[string]any{}
	for key, value := range state {
		if labels, ok := value.(map[string]string); ok {
			labels = maps.Clone(labels)
			delete(labels, "team")
			out[key] = labels
			continue
		}
		parts, _ := value.([]any)
		labels := maps.Clone(parts[0].(map[string]string))
		delete(labels, "team")
		out[key] = append([]any{labels}, parts[1:]...)
	}
	return out
}
