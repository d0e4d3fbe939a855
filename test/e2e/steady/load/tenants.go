package load

import (
	"fmt"
	"strings"
)

// Tenants are those whose users ask, each with two namespaces and one user.
var Tenants = []string{"steady-a", "steady-b", "steady-c"}

// limit is how many GPUs a tenant may hold: more than come while no controller leads
// and nothing that ended is freed.
const limit = 4000

// Namespaces are those of a tenant.
func Namespaces(tenant string) []string { return []string{tenant, tenant + "-2"} }

// User is the owner of a tenant.
func User(tenant string) string { return "owner@" + tenant }

// manifests are the tenants.
func manifests() string {
	var b strings.Builder
	for _, tenant := range Tenants {
		fmt.Fprintf(&b, `
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: %[1]s}
spec:
  owners: [{kind: User, name: %[2]q, role: Admin}]
  namespaces: [%[3]s]
  podSecurity: {enforce: baseline}
  nodePool: {isolation: Hard}
  gpu: {perTenant: "%[4]d", perContainer: "4", perPod: "8"}
---`, tenant, User(tenant), strings.Join(Namespaces(tenant), ", "), limit)
	}
	return b.String()
}
