package tenancy

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	authorizationv1 "k8s.io/api/authorization/v1"
	rbacv1 "k8s.io/api/rbac/v1"
	"k8s.io/client-go/kubernetes"
)

// who asks.
type who struct{ user, group string }

func (w who) flags() []string {
	flags := []string{"--as", w.user}
	if w.group != "" {
		flags = append(flags, "--as-group", w.group)
	}
	return flags
}

// verbs are all that RBAC knows of objects.
var verbs = []string{"get", "list", "watch", "create", "update", "patch", "delete", "deletecollection"}

// mayExactly asks for every verb on everything that the API server serves, in the
// namespace, elsewhere and cluster-wide, and wants the answers to be those of the
// seed's Role, and of nothing but it. What the seed's rules list is asked with
// kubectl as well.
func mayExactly(t *testing.T, shown *origins, role, namespace string, w who) {
	t.Helper()
	rules := seed(t, role, &rbacv1.Role{}).Rules
	clientset, err := kubernetes.NewForConfig(shared.Config())
	if err != nil {
		t.Fatal(err)
	}
	_, served, err := clientset.Discovery().ServerGroupsAndResources()
	if err != nil {
		t.Fatal(err)
	}
	var asked, allowed int
	var wrong []string
	var mu sync.Mutex
	var wait sync.WaitGroup
	limit := make(chan struct{}, 16)
	ask := func(in, group, resource, verb string, want bool) {
		wait.Go(func() {
			limit <- struct{}{}
			defer func() { <-limit }()
			got := may(t, clientset, w, in, group, resource, verb)
			if !want && got {
				// Some things everybody may, such as to ask what they may.
				want = may(t, clientset, who{user: "nobody"}, in, group, resource, verb)
			}
			mu.Lock()
			defer mu.Unlock()
			asked++
			if got {
				allowed++
			}
			if got != want {
				wrong = append(wrong, fmt.Sprintf("%s %s.%s in %q: %t, the seed says %t", verb, resource, group, in, got, want))
			}
		})
	}
	for _, list := range served {
		group, _, found := strings.Cut(list.GroupVersion, "/")
		if !found {
			group = ""
		}
		for _, resource := range list.APIResources {
			for _, verb := range verbs {
				if resource.Namespaced {
					ask(namespace, group, resource.Name, verb, ruled(rules, group, resource.Name, verb))
					ask("kube-system", group, resource.Name, verb, false)
				}
				ask("", group, resource.Name, verb, false)
			}
		}
	}
	wait.Wait()
	slices.Sort(wrong)
	if len(wrong) > 0 {
		t.Errorf("%d of %d answers are wrong:\n%s", len(wrong), asked, strings.Join(wrong, "\n"))
	}
	t.Logf("%s: asked %d times, allowed %d", w.user, asked, allowed)

	for _, rule := range rules {
		for _, resource := range rule.Resources {
			for _, verb := range verbs {
				canI(t, w, namespace, verb, resource, rule.APIGroups[0], ruled(rules, rule.APIGroups[0], resource, verb))
			}
			shown.row(role, fmt.Sprintf("%s %s", strings.Join(rule.Verbs, ","), resource), "ClusterRole in manifests/base/tenant-roles.yaml, bound in the namespace")
		}
	}
}

// canI asks kubectl, as a person would.
func canI(t *testing.T, w who, namespace, verb, resource, group string, want bool) {
	t.Helper()
	resource, subresource, _ := strings.Cut(resource, "/")
	if group != "" {
		resource += "." + group
	}
	arguments := append([]string{"auth", "can-i", verb, resource, "--namespace", namespace, "--subresource", subresource}, w.flags()...)
	// It says no and exits with 1.
	out, _, _ := shared.Kubectl(t.Context(), "", arguments...)
	if got := strings.TrimSpace(out); got != map[bool]string{true: "yes", false: "no"}[want] {
		t.Errorf("kubectl %s: %q, want %t", strings.Join(arguments, " "), got, want)
	}
}

// ruled says whether a Role's rules allow something.
func ruled(rules []rbacv1.PolicyRule, group, resource, verb string) bool {
	return slices.ContainsFunc(rules, func(rule rbacv1.PolicyRule) bool {
		return slices.Contains(rule.APIGroups, group) && slices.Contains(rule.Resources, resource) &&
			(slices.Contains(rule.Verbs, verb) || slices.Contains(rule.Verbs, "*"))
	})
}

func may(t *testing.T, clientset kubernetes.Interface, w who, namespace, group, resource, verb string) bool {
	resource, subresource, _ := strings.Cut(resource, "/")
	review := &authorizationv1.SubjectAccessReview{Spec: authorizationv1.SubjectAccessReviewSpec{
		User: w.user, Groups: slices.DeleteFunc([]string{"system:authenticated", w.group}, func(g string) bool { return g == "" }),
		ResourceAttributes: &authorizationv1.ResourceAttributes{
			Namespace: namespace, Verb: verb, Group: group, Resource: resource, Subresource: subresource,
		},
	}}
	answer, err := clientset.AuthorizationV1().SubjectAccessReviews().Create(t.Context(), review, createOptions)
	if err != nil {
		t.Error(err)
		return false
	}
	return answer.Status.Allowed
}
