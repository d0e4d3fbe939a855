package tenancy

import (
	"cmp"
	"slices"

	rbacv1 "k8s.io/api/rbac/v1"

	"usher.dev/usher/api/v1alpha1"
)

// roleBindings bind the tenant's owners in one namespace, admins first. A role
// that nobody has is bound to nobody.
func roleBindings(t *v1alpha1.Tenant, namespace string) []*rbacv1.RoleBinding {
	var bindings []*rbacv1.RoleBinding
	for _, role := range []struct {
		owner             v1alpha1.OwnerRole
		name, clusterRole string
	}{
		{v1alpha1.RoleAdmin, t.Name + "-admin-binding", AdminRole},
		{v1alpha1.RoleDeveloper, t.Name + "-developer-binding", DeveloperRole},
	} {
		subjects := subjects(t.Spec.Owners, role.owner)
		if len(subjects) == 0 {
			continue
		}
		bindings = append(bindings, &rbacv1.RoleBinding{
			ObjectMeta: meta(t.Name, namespace, role.name),
			RoleRef:    rbacv1.RoleRef{APIGroup: rbacv1.GroupName, Kind: "ClusterRole", Name: role.clusterRole},
			Subjects:   subjects,
		})
	}
	return bindings
}

// subjects are the owners in a role, sorted, each once.
func subjects(owners []v1alpha1.Owner, role v1alpha1.OwnerRole) []rbacv1.Subject {
	var subjects []rbacv1.Subject
	for _, owner := range owners {
		if owner.Role != role {
			continue
		}
		subject := rbacv1.Subject{Kind: string(owner.Kind), Name: owner.Name}
		if owner.Kind == v1alpha1.OwnerServiceAccount {
			subject.Namespace = owner.Namespace
		} else {
			subject.APIGroup = rbacv1.GroupName
		}
		subjects = append(subjects, subject)
	}
	slices.SortFunc(subjects, func(a, b rbacv1.Subject) int {
		return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name))
	})
	return slices.Compact(subjects)
}
