package guards

import (
	"fmt"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
)

// opening is an object that a tenant puts beside what usher manages.
type opening struct {
	name     string
	resource schema.GroupVersionResource
	manifest string
	// check refuses it; empty for what a tenant may.
	check string
}

const subject = `{apiVersion: rbac.authorization.k8s.io/v1, kind: RoleBinding, metadata: {name: %s}, roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: view}, subjects: [%s]}`

var openings = []opening{
	{
		"a way to the metadata service", networkPolicies,
		`{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: metadata}, spec: {podSelector: {}, policyTypes: [Egress], egress: [{to: [{ipBlock: {cidr: 169.254.169.254/32}}]}]}}`,
		"managed_objects/network-policy",
	},
	{
		"a way in from everywhere", networkPolicies,
		`{apiVersion: networking.k8s.io/v1, kind: NetworkPolicy, metadata: {name: open}, spec: {podSelector: {}, policyTypes: [Ingress], ingress: [{}]}}`,
		"managed_objects/network-policy",
	},
	{
		"somebody else", roleBindings,
		fmt.Sprintf(subject, "mallory", `{apiGroup: rbac.authorization.k8s.io, kind: User, name: mallory@example.com}`),
		"managed_objects/role-binding",
	},
	{
		"everybody", roleBindings,
		fmt.Sprintf(subject, "everybody", `{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:authenticated"}`),
		"managed_objects/role-binding",
	},
	{
		"a service account of another namespace", roleBindings,
		fmt.Sprintf(subject, "foreign", `{kind: ServiceAccount, name: default, namespace: kube-system}`),
		"managed_objects/role-binding",
	},
	{
		"an owner of the tenant", roleBindings,
		fmt.Sprintf(subject, "owner", `{apiGroup: rbac.authorization.k8s.io, kind: User, name: bob@example.com}`), "",
	},
	{
		"a service account of its own", roleBindings,
		fmt.Sprintf(subject, "own", `{kind: ServiceAccount, name: operator, namespace: beside}`), "",
	},
	{
		"a role of its own", roles,
		`{apiVersion: rbac.authorization.k8s.io/v1, kind: Role, metadata: {name: own}, rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]}`, "",
	},
	{
		"a quota of its own", quotas,
		`{apiVersion: v1, kind: ResourceQuota, metadata: {name: own}, spec: {hard: {secrets: "1"}}}`, "",
	},
	{
		"a quota by the name of usher's share", quotas,
		`{apiVersion: v1, kind: ResourceQuota, metadata: {name: beside-share}, spec: {hard: {pods: "1"}, scopes: [NotTerminating]}}`,
		"managed_objects/reserved-name",
	},
	{
		"limits of its own", limitRanges,
		`{apiVersion: v1, kind: LimitRange, metadata: {name: own}, spec: {limits: [{type: Container, max: {memory: 1Gi}}]}}`, "",
	},
	{
		"a service that catches an address", services,
		`{apiVersion: v1, kind: Service, metadata: {name: catcher}, spec: {ports: [{port: 443}], externalIPs: [203.0.113.7]}}`,
		"managed_objects/external-ip",
	},
	{
		"a service", services,
		`{apiVersion: v1, kind: Service, metadata: {name: web}, spec: {ports: [{port: 443}]}}`, "",
	},
	{
		"a load balancer", services,
		`{apiVersion: v1, kind: Service, metadata: {name: public}, spec: {type: LoadBalancer, ports: [{port: 443}]}}`, "",
	},
}

// TestATenantOpensNothingBeside has the user whom RBAC refuses nothing put each
// opening into the tenant's namespace.
func TestATenantOpensNothingBeside(t *testing.T) {
	const namespace = "beside"
	shared.tenant(t, namespace)
	boss := shared.boss(t)
	for _, o := range openings {
		t.Run(o.name, func(t *testing.T) {
			object := decode(t, o.manifest)
			_, err := boss.Resource(o.resource).Namespace(namespace).Create(t.Context(), object, metav1.CreateOptions{})
			if o.check != "" {
				err = refusedFor(err, o.check)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	t.Run("updates of what was there", func(t *testing.T) {
		for _, u := range []struct {
			resource    schema.GroupVersionResource
			name, patch string
			check       string
		}{
			{services, "web", `{"spec": {"externalIPs": ["203.0.113.7"]}}`, "managed_objects/external-ip"},
			{services, "web", `{"spec": {"ports": [{"port": 8443}]}}`, ""},
			{roleBindings, "own", `{"subjects": [{"apiGroup": "rbac.authorization.k8s.io", "kind": "User", "name": "mallory@example.com"}]}`, "managed_objects/role-binding"},
			{roleBindings, "own", `{"metadata": {"labels": {"team": "vision"}}}`, ""},
			{quotas, "own", `{"spec": {"hard": {"secrets": "2"}}}`, ""},
		} {
			_, err := boss.Resource(u.resource).Namespace(namespace).Patch(t.Context(), u.name, types.MergePatchType, []byte(u.patch), metav1.PatchOptions{})
			if u.check != "" {
				err = refusedFor(err, u.check)
			}
			if err != nil {
				t.Errorf("%s: %v", u.patch, err)
			}
		}
	})
	t.Run("it takes away what it made", func(t *testing.T) {
		for _, o := range openings {
			if o.check != "" {
				continue
			}
			if err := boss.Resource(o.resource).Namespace(namespace).Delete(t.Context(), decode(t, o.manifest).GetName(), metav1.DeleteOptions{}); err != nil {
				t.Errorf("%s: %v", o.name, err)
			}
		}
	})
}

// TestWhatWasOpenBeforeIsNotTheTenants shows that a policy that a tenant had before
// its network was isolated may stay, and go, but not change.
func TestWhatWasOpenBeforeIsNotTheTenants(t *testing.T) {
	const namespace = "before"
	shared.tenant(t, namespace)
	policy := decode(t, openings[0].manifest)
	// The platform puts it there, in the tenant's place.
	client := shared.admin.Resource(networkPolicies).Namespace(namespace)
	if _, err := client.Create(t.Context(), policy, metav1.CreateOptions{}); err != nil {
		t.Fatal(err)
	}
	boss := shared.boss(t).Resource(networkPolicies).Namespace(namespace)
	patch := func(body string) (*unstructured.Unstructured, error) {
		return boss.Patch(t.Context(), policy.GetName(), types.MergePatchType, []byte(body), metav1.PatchOptions{})
	}
	if _, err := patch(`{"metadata": {"labels": {"team": "vision"}}}`); err != nil {
		t.Error(err)
	}
	_, err := patch(`{"spec": {"egress": [{}]}}`)
	if err := refusedFor(err, "managed_objects/network-policy"); err != nil {
		t.Error(err)
	}
	if err := boss.Delete(t.Context(), policy.GetName(), metav1.DeleteOptions{}); err != nil {
		t.Error(err)
	}
}
