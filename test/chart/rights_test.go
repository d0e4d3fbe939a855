package chart

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	rbacv1 "k8s.io/api/rbac/v1"

	"usher.dev/usher/internal/golden"
)

// ofTenants are roles of tenants' owners.
var ofTenants = []string{"usher-tenant-admin", "usher-tenant-developer"}

// granted lists what the roles of all profiles grant, one verb on one resource each.
func granted(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, p := range profiles {
		for _, o := range render(t, profile(p)...) {
			if k := kind(o); (k != "Role" && k != "ClusterRole") || slices.Contains(ofTenants, name(o)) {
				continue
			}
			for _, rule := range as[rbacv1.ClusterRole](t, o).Rules {
				all = append(all, lines(kind(o)+" "+name(o), rule)...)
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

func lines(role string, rule rbacv1.PolicyRule) (all []string) {
	for _, group := range rule.APIGroups {
		for _, resource := range rule.Resources {
			if group != "" {
				resource = group + "/" + resource
			}
			for _, verb := range rule.Verbs {
				all = append(all, fmt.Sprintf("%s: %s %s [%s]", role, verb, resource, strings.Join(rule.ResourceNames, ",")))
			}
		}
	}
	return all
}

// TestEveryRuleHasACallThatNeedsIt compares what roles grant with the table, and the
// table with the source.
func TestEveryRuleHasACallThatNeedsIt(t *testing.T) {
	var needed []string
	for _, r := range allRights() {
		for verb := range strings.SplitSeq(r.verbs, ",") {
			needed = append(needed, fmt.Sprintf("%s: %s %s [%s]", r.role, verb, r.resource, r.names))
		}
		source, err := os.ReadFile(filepath.Join(root, r.file))
		must(t, err)
		if !strings.Contains(string(source), r.call) {
			t.Errorf("%s %s %s: %s does not call %s", r.role, r.verbs, r.resource, r.file, r.call)
		}
	}
	slices.Sort(needed)
	if compacted := slices.Compact(slices.Clone(needed)); len(compacted) != len(needed) {
		t.Error("the table has a right twice")
	}
	all := granted(t)
	for _, line := range all {
		if !slices.Contains(needed, line) {
			t.Errorf("granted, and needed by no call in the table: %s", line)
		}
	}
	for _, line := range needed {
		if !slices.Contains(all, line) {
			t.Errorf("in the table, and granted by no role: %s", line)
		}
	}
}

// TestNoRuleTakesEverything: no program may everything of anything.
func TestNoRuleTakesEverything(t *testing.T) {
	for _, line := range granted(t) {
		if strings.Contains(line, "*") {
			t.Error(line)
		}
	}
}

// TestThePageOfRightsIsTrue writes docs/permissions.md.
func TestThePageOfRightsIsTrue(t *testing.T) {
	var page strings.Builder
	page.WriteString(`# Permissions

What each of usher's programs may do in a cluster, and the call that needs it. This page is written by
` + "`go test ./test/chart -run ThePageOfRights -update`" + `; tests fail on a rule that no call needs, and run every program as its service
account alone on a real API server.

kube-scheduler has Kubernetes' own roles ` + "`system:kube-scheduler` and `system:volume-scheduler`" + ` beside. What owners of tenants
may do in their namespaces is in [tenancy.md](tenancy.md).
`)
	role := ""
	all := allRights()
	slices.SortStableFunc(all, func(a, b right) int { return strings.Compare(a.role, b.role) })
	for _, r := range all {
		if r.role != role {
			role = r.role
			fmt.Fprintf(&page, "\n## %s\n\n| may | of | for | in |\n| --- | --- | --- | --- |\n", role)
		}
		resource := "`" + r.resource + "`"
		if r.names != "" {
			resource += " `" + strings.ReplaceAll(r.names, ",", "`, `") + "`"
		}
		fmt.Fprintf(&page, "| %s | %s | %s | `%s` |\n", strings.ReplaceAll(r.verbs, ",", ", "), resource, r.why, r.file)
	}
	golden.Check(t, "../../../docs/permissions.md", page.String())
}
