package doctor

import (
	"maps"
	"slices"
	"strings"

	rbacv1 "k8s.io/api/rbac/v1"
)

// accounts are the service accounts that usher's ClusterRoles are bound to.
var accounts = map[string]string{
	webhookName: webhookName, controllerName: controllerName, certificatesRole: controllerName,
	extenderName: "usher-scheduler", agentName: agentName,
}

// certificatesRole is what usher-controller may with certificates of its own alone.
const certificatesRole = "usher-controller-certificates"

var checkRBAC = &Check{
	ID:    "rbac",
	Title: "usher's ClusterRoles grant what this release needs",
	Why:   "A right that is missing shows itself late: when the first pod with GPUs is to be reserved, or a Tenant to be deleted.",
	Reads: []Kind{kindClusterRoles, kindRoleBindings, kindDeployments, kindDaemonSets},
	run: func(s *Snapshot) (found []Finding) {
		if !s.Live && len(s.ClusterRoles) == 0 {
			return nil
		}
		for _, want := range ushersRoles() {
			if !s.installs(want.name) {
				continue
			}
			object := Object{"ClusterRole", "", want.name}
			is := find(s.ClusterRoles, "", want.name)
			if is == nil {
				found = append(found, errorOf(object, "apply usher's manifests of this release", "it is not there"))
				continue
			}
			if lacks := lacking(want.rules, is.Rules); len(lacks) > 0 {
				found = append(found, errorOf(object, "apply usher's manifests of this release", "it does not grant what this release needs: %s", some(lacks)))
			}
			if account := accounts[want.name]; account != "" && !s.bound(want.name, account) {
				found = append(found, errorOf(object, "apply usher's manifests of this release", "no ClusterRoleBinding gives it to the service account %s/%s", s.Namespace, account))
			}
		}
		return found
	},
}

// installs reports whether the part of usher that needs a role is there.
func (s *Snapshot) installs(role string) bool {
	switch role {
	case extenderName:
		return s.deployment(schedulerName) != nil
	case agentName:
		return find(s.DaemonSets, s.Namespace, agentName) != nil
	case webhookName:
		return s.deployment(webhookName) != nil
	case certificatesRole:
		return s.deployment(controllerName) != nil && s.certMode() == modeSelf
	default: // the controller's, and those that it binds owners to
		return s.deployment(controllerName) != nil
	}
}

func (s *Snapshot) bound(role, account string) bool {
	return slices.ContainsFunc(s.RoleBindings, func(b *rbacv1.ClusterRoleBinding) bool {
		return b.RoleRef.Kind == "ClusterRole" && b.RoleRef.Name == role && slices.ContainsFunc(b.Subjects, func(subject rbacv1.Subject) bool {
			return subject.Kind == rbacv1.ServiceAccountKind && subject.Name == account && (subject.Namespace == s.Namespace || subject.Namespace == "" && !s.Live)
		})
	})
}

// lacking are the rights that rules want and others do not grant, in order.
func lacking(want, are []rbacv1.PolicyRule) []string {
	lacks := map[string]bool{}
	for _, rule := range want {
		for _, group := range rule.APIGroups {
			for _, resource := range rule.Resources {
				for _, verb := range rule.Verbs {
					for _, name := range append(slices.Clone(rule.ResourceNames), make([]string, max(0, 1-len(rule.ResourceNames)))...) {
						if !slices.ContainsFunc(are, func(r rbacv1.PolicyRule) bool { return grants(&r, group, resource, verb, name) }) {
							lacks[strings.TrimSpace(verb+" "+resource+" "+name)] = true
						}
					}
				}
			}
		}
	}
	return slices.Sorted(maps.Keys(lacks))
}

// grants reports whether a rule grants a verb on what is named; on every object for
// no name.
func grants(r *rbacv1.PolicyRule, group, resource, verb, name string) bool {
	has := func(list []string, value string) bool {
		return slices.Contains(list, "*") || slices.Contains(list, value)
	}
	return has(r.APIGroups, group) && has(r.Resources, resource) && has(r.Verbs, verb) &&
		(len(r.ResourceNames) == 0 || slices.Contains(r.ResourceNames, name))
}
