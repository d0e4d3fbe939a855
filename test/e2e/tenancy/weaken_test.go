package tenancy

import (
	"errors"
	"testing"

	corev1 "k8s.io/api/core/v1"
	networkingv1 "k8s.io/api/networking/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/component-helpers/auth/rbac/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/tenancy"
)

var createOptions = metav1.CreateOptions{}

// cannotWeaken tries, as an admin of the tenant, to change, replace and remove
// each thing that usher made in a namespace, and to add what would open it.
func cannotWeaken(t *testing.T, namespace, user string) {
	t.Helper()
	config, err := shared.As(user)
	if err != nil {
		t.Fatal(err)
	}
	admin, err := client.New(config, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	refused := func(what string, o client.Object, err error) {
		t.Helper()
		if !apierrors.IsForbidden(err) {
			t.Errorf("%s %T %s: %v, want it forbidden", what, o, o.GetName(), err)
		}
	}
	tried := 0
	for _, kind := range []struct {
		list client.ObjectList
		kind client.Object
	}{
		{&corev1.ResourceQuotaList{}, &corev1.ResourceQuota{}},
		{&corev1.LimitRangeList{}, &corev1.LimitRange{}},
		{&networkingv1.NetworkPolicyList{}, &networkingv1.NetworkPolicy{}},
		{&rbacv1.RoleBindingList{}, &rbacv1.RoleBinding{}},
	} {
		if err := shared.List(t.Context(), kind.list, client.InNamespace(namespace)); err != nil {
			t.Fatal(err)
		}
		for _, o := range objects(t, kind.list) {
			tried++
			refused("update", o, admin.Update(t.Context(), copied(o)))
			refused("patch", o, admin.Patch(t.Context(), copied(o), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":null}}`))))
			refused("delete", o, admin.Delete(t.Context(), copied(o)))
			other := copied(o)
			other.SetName("mine")
			other.SetResourceVersion("")
			other.SetUID("")
			refused("create", o, admin.Create(t.Context(), other))
		}
		refused("delete all", kind.kind, admin.DeleteAllOf(t.Context(), kind.kind, client.InNamespace(namespace)))
	}
	if tried < 7 {
		t.Errorf("tried %d objects", tried)
	}
	ns := &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{Name: namespace}}
	refused("relabel", ns, admin.Patch(t.Context(), ns.DeepCopy(), client.RawPatch(types.MergePatchType, []byte(`{"metadata":{"labels":{"pod-security.kubernetes.io/enforce":"privileged"}}}`))))
	refused("delete", ns, admin.Delete(t.Context(), ns.DeepCopy()))
}

// TestTheControllerBindsNobodyToAnythingElse asks the API server to let the
// controller's account make bindings.
func TestTheControllerBindsNobodyToAnythingElse(t *testing.T) {
	account, err := client.New(shared.account, client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	binding := func(kind, role string) *rbacv1.RoleBinding {
		return &rbacv1.RoleBinding{
			ObjectMeta: metav1.ObjectMeta{Name: "probe-" + role, Namespace: "default"},
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: kind, Name: role},
			Subjects:   []rbacv1.Subject{{APIGroup: rbacv1.GroupName, Kind: "User", Name: "somebody"}},
		}
	}
	var roles rbacv1.ClusterRoleList
	awaitTrue(t, "the roles that are put together of others are", func() error {
		if err := shared.List(t.Context(), &roles); err != nil {
			return err
		}
		for _, role := range roles.Items {
			if role.Name == "admin" && len(role.Rules) == 0 {
				return errors.New("admin has no rules yet")
			}
		}
		return nil
	})
	own := ownRules(t, roles.Items)
	for _, role := range roles.Items {
		err := account.Create(t.Context(), binding("ClusterRole", role.Name), client.DryRunAll)
		switch role.Name {
		case tenancy.AdminRole, tenancy.DeveloperRole:
			if err != nil {
				t.Errorf("%s: %v", role.Name, err)
			}
		default:
			// What gives nothing that the account has not itself, the API server lets
			// anybody bind who may make bindings.
			if harmless, _ := validation.Covers(own, role.Rules); err == nil && !harmless {
				t.Errorf("the controller may bind to %s", role.Name)
			} else if err != nil && !apierrors.IsForbidden(err) {
				t.Errorf("%s: %v, want it forbidden", role.Name, err)
			}
		}
	}
	cluster := &rbacv1.ClusterRoleBinding{
		ObjectMeta: metav1.ObjectMeta{Name: "probe"},
		RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: tenancy.AdminRole},
	}
	if err := account.Create(t.Context(), cluster, client.DryRunAll); !apierrors.IsForbidden(err) {
		t.Errorf("a ClusterRoleBinding: %v, want it forbidden", err)
	}
	role := &rbacv1.ClusterRole{ObjectMeta: metav1.ObjectMeta{Name: tenancy.AdminRole}}
	if err := account.Patch(t.Context(), role, client.RawPatch(types.MergePatchType, []byte(`{"rules":[]}`))); !apierrors.IsForbidden(err) {
		t.Errorf("to change the role itself: %v, want it forbidden", err)
	}
}

// ownRules are those of the controller's account cluster-wide, and what every
// service account may.
func ownRules(t *testing.T, roles []rbacv1.ClusterRole) []rbacv1.PolicyRule {
	t.Helper()
	var bindings rbacv1.ClusterRoleBindingList
	if err := shared.List(t.Context(), &bindings); err != nil {
		t.Fatal(err)
	}
	var rules []rbacv1.PolicyRule
	for _, binding := range bindings.Items {
		for _, subject := range binding.Subjects {
			if subject.Name != "usher-controller" && subject.Name != "system:authenticated" && subject.Name != "system:serviceaccounts" {
				continue
			}
			for _, role := range roles {
				if role.Name == binding.RoleRef.Name {
					rules = append(rules, role.Rules...)
				}
			}
		}
	}
	return rules
}
