package chart

import (
	"slices"
)

// right is what a role lets its holder do, and the call that needs it.
type right struct {
	// role is the kind and the name of the role.
	role string
	// verbs and resources as "list,watch" and "apps/deployments"; behind a space, the
	// names that the rule is narrowed to, if it is.
	verbs, resource string
	names           string
	// file makes the call, and call stands in it.
	file, call string
	// why says it for people.
	why string
}

const (
	certificateSecrets = "usher-ca,usher-webhook-tls,usher-webhook-client-tls,usher-extender-tls,usher-scheduler-client-tls"
	mutatingHooks      = "admissionregistration.k8s.io/mutatingwebhookconfigurations"
	validatingHooks    = "admissionregistration.k8s.io/validatingwebhookconfigurations"
	onlyOurs           = "usher-webhook"
)

// rights lists every rule of every program. What tenants' owners may do is no
// program's: docs/tenancy.md says it.
var rights = []right{
	{"ClusterRole usher-webhook", "list,watch", "namespaces", "", "internal/cluster/informers.go", "i.cache.GetInformer(", "whose namespace it is, and which modes its labels set"},
	{"ClusterRole usher-webhook", "get", "namespaces", "", "internal/cluster/informers.go", "i.live.Get(", "a namespace that is newer than the watch"},
	{"ClusterRole usher-webhook", "list,watch", "usher.dev/tenants", "", "internal/cluster/informers.go", "i.cache.GetInformer(", "what a tenant may"},
	{"ClusterRole usher-webhook", "get", "usher.dev/tenants", "", "internal/cluster/informers.go", "i.live.Get(", "a Tenant that is newer than the watch"},
	{"ClusterRole usher-webhook", "get", "usher.dev/quotaledgers", "", "quota/store.go", "s.client.Get(", "the ledger, live, before each decision"},
	{"ClusterRole usher-webhook", "list", "usher.dev/quotaledgers", "", "quota/store.go", "s.client.List(ctx, &list, client.Limit(1))", "the API server's version, to see whether etcd was restored"},
	{"ClusterRole usher-webhook", "update", "usher.dev/quotaledgers/status", "", "quota/store.go", "s.client.Status().Update(", "a reservation, over the version that it was decided on"},

	{"ClusterRole usher-metrics-auth", "create", "authentication.k8s.io/tokenreviews", "", "internal/serving/guard.go", "filters.WithAuthenticationAndAuthorization(", "who asks for metrics"},
	{"ClusterRole usher-metrics-auth", "create", "authorization.k8s.io/subjectaccessreviews", "", "internal/serving/guard.go", "filters.WithAuthenticationAndAuthorization(", "whether it may get them"},

	{"ClusterRole usher-controller", "list,watch", "usher.dev/tenants", "", "tenancy/setup.go", "For(&v1alpha1.Tenant{}", "what is to be made true"},
	{"ClusterRole usher-controller", "get", "usher.dev/tenants", "", "quota/settler_ledger.go", "s.live.Get(", "whether a ledger's Tenant is gone, before the ledger is deleted"},
	{"ClusterRole usher-controller", "patch", "usher.dev/tenants", "", "tenancy/finalize.go", "r.client.Patch(ctx, tenant.DeepCopy()", "the finalizer"},
	{"ClusterRole usher-controller", "update", "usher.dev/tenants/status", "", "tenancy/status.go", "r.client.Status().Update(ctx, tenant", "conditions, namespaces and use"},
	{"ClusterRole usher-controller", "update", "usher.dev/tenants/finalizers", "", "quota/settler_ledger.go", "s.store.client.Create(", "the ledger's owner reference, which blocks the Tenant's deletion"},
	{"ClusterRole usher-controller", "list,watch", "usher.dev/quotaledgers", "", "quota/cacheoptions.go", "v1alpha1.QuotaLedger{}", "reservations that webhooks made"},
	{"ClusterRole usher-controller", "get", "usher.dev/quotaledgers", "", "quota/settler_ledger.go", "s.live.Get(", "the ledger, live, before it is settled"},
	{"ClusterRole usher-controller", "create", "usher.dev/quotaledgers", "", "quota/settler_ledger.go", "s.store.client.Create(", "one for each Tenant with GPUs"},
	{"ClusterRole usher-controller", "update", "usher.dev/quotaledgers", "", "quota/settler_ledger.go", "s.store.client.Update(", "its limits"},
	{"ClusterRole usher-controller", "delete", "usher.dev/quotaledgers", "", "quota/settler_ledger.go", "s.store.client.Delete(", "with the Tenant's GPUs"},
	{"ClusterRole usher-controller", "update", "usher.dev/quotaledgers/status", "", "quota/store.go", "s.client.Status().Update(", "settlement, over the version that it was worked out on"},
	{"ClusterRole usher-controller", "list,watch", "usher.dev/gpunodes", "", "quota/settler_round.go", "r.settler.cache.Get(ctx, types.NamespacedName{Name: name}, node)", "what share of a GPU a shared one is, by its node's replicas"},
	{"ClusterRole usher-controller", "list,watch", "pods", "", "quota/cacheoptions.go", "corev1.Pod{}", "who holds GPUs"},
	{"ClusterRole usher-controller", "get", "pods", "", "quota/settler_look.go", "r.settler.live.Get(ctx, key, pod)", "a pod, live, before it is given up for lost"},
	{"ClusterRole usher-controller", "list,watch", "resource.k8s.io/resourceclaims", "", "quota/cacheoptions.go", "resourcev1.ResourceClaim{}", "who holds devices"},
	{"ClusterRole usher-controller", "get", "resource.k8s.io/resourceclaims", "", "quota/settler_look.go", "r.settler.live.Get(ctx, key, claim)", "a claim, live, before it is given up for lost"},
	{"ClusterRole usher-controller", "list,watch", "namespaces", "", "tenancy/look.go", "r.client.List(ctx, &namespaces", "which namespaces are a tenant's"},
	{"ClusterRole usher-controller", "get", "namespaces", "", "quota/settler_look.go", "r.settler.live.Get(ctx, types.NamespacedName{Name: name}, ns)", "whether a lost pod's namespace is gone"},
	{"ClusterRole usher-controller", "create", "namespaces", "", "tenancy/ensure.go", "r.client.Create(ctx, ns", "what a Tenant lists"},
	{"ClusterRole usher-controller", "patch", "namespaces", "", "tenancy/ensure.go", "r.client.Patch(ctx, ns", "its labels"},
	{"ClusterRole usher-controller", "delete", "namespaces", "", "tenancy/finalize.go", "r.remove(ctx, ns)", "where a Tenant's deletionPolicy says so"},
}

// made are the kinds that the controller makes in tenants' namespaces, all by the
// same calls.
var made = []struct{ resource, what string }{
	{"resourcequotas", "quotas"},
	{"limitranges", "limits and defaults"},
	{"networking.k8s.io/networkpolicies", "network policies"},
	{"rbac.authorization.k8s.io/rolebindings", "the owners' access"},
}

// allRights are those of the table and those that come in kinds.
func allRights() []right {
	all := slices.Clone(rights)
	for _, m := range made {
		resource, what := m.resource, m.what
		all = append(all,
			right{"ClusterRole usher-controller", "list,watch", resource, "", "tenancy/look.go", "r.client.List(ctx, list", what + " that are there"},
			right{"ClusterRole usher-controller", "get", resource, "", "tenancy/objects.go", "r.live.Get(", what + ", live, before they are replaced"},
			right{"ClusterRole usher-controller", "create,patch", resource, "", "tenancy/objects.go", "client.RawPatch(types.JSONPatchType", what + " as the Tenant says"},
			right{"ClusterRole usher-controller", "delete", resource, "", "tenancy/objects.go", "r.client.Delete(", what + " that the Tenant no longer has"},
		)
	}
	all = append(all,
		right{"ClusterRole usher-controller", "bind", "rbac.authorization.k8s.io/clusterroles", "usher-tenant-admin,usher-tenant-developer", "tenancy/names.go", "usher-tenant-admin", "owners are bound to these two and no other"},
		right{"ClusterRole usher-controller", "create,patch", "events.k8s.io/events", "", "tenancy/setup.go", "mgr.GetEventRecorder(", "what became of a Tenant"},
		right{"ClusterRole usher-controller", "create,patch", "events", "", "cmd/usher-controller/manager.go", "LeaderElectionID:", "who leads"},
		right{"Role usher-controller", "create", "coordination.k8s.io/leases", "", "cmd/usher-controller/manager.go", "LeaderElectionID:", "the Lease by which replicas take turns"},
		right{"Role usher-controller", "get,update", "coordination.k8s.io/leases", "usher-controller", "cmd/usher-controller/manager.go", "LeaderElectionID:", "the same"},
		right{"Role usher-controller-certificates", "create", "secrets", "", "internal/certs/store.go", "k.client.Create(ctx, secret)", "authority and certificates"},
		right{"Role usher-controller-certificates", "get,update", "secrets", certificateSecrets, "internal/certs/leaves.go", "k.client.Get(ctx", "authority and certificates, before and when they are replaced"},
		right{"Role usher-controller-certificates", "list,watch", "secrets", certificateSecrets, "internal/certs/watch.go", "metadatainformer.NewFilteredMetadataInformer(", "that one was changed or deleted, each by its name, by metadata alone"},
	)
	for _, configurations := range []string{mutatingHooks, validatingHooks} {
		all = append(all,
			right{"ClusterRole usher-controller-certificates", "list,watch", configurations, "", "internal/certs/bundles.go", "k.client.List(ctx, &", "those that ask for the CA bundle"},
			right{"ClusterRole usher-controller-certificates", "update", configurations, onlyOurs, "internal/certs/bundles.go", "k.client.Update(ctx, b.object)", "the CA bundle"},
			right{"ClusterRole usher-preflight", "get", configurations, onlyOurs, "cmd/usher/preflight/facts.go", "func (f *Facts) registrations(", "whether another usher is registered"},
			right{"ClusterRole usher-unregister", "get", configurations, onlyOurs, "cmd/usher/unregister/unregister.go", "u.client.Get(", "that they are gone"},
			right{"ClusterRole usher-unregister", "delete", configurations, onlyOurs, "cmd/usher/unregister/unregister.go", "u.client.Delete(", "before anything else goes"},
			right{"ClusterRole usher-release-tenants", "get", configurations, onlyOurs, "cmd/usher/unregister/unregister.go", "u.client.Get(", "that nothing is registered again"},
			right{"ClusterRole usher-release-tenants", "delete", configurations, onlyOurs, "cmd/usher/unregister/unregister.go", "u.client.Delete(", "what was registered again"},
		)
	}
	for _, resource := range []string{"usher.dev/gpunodes", "usher.dev/tenants", "pods", "nodes", "namespaces"} {
		all = append(all, right{"ClusterRole usher-extender", "list,watch", resource, "", "scheduler-extender/feed.go", "cache.NewReflectorWithOptions(", "graphs, holders, pools"})
	}
	return append(all,
		right{"Role usher-scheduler-lease", "create", "coordination.k8s.io/leases", "", "manifests/scheduler/scheduler-config.yaml", "resourceName: gpu-topology-scheduler", "the Lease by which schedulers take turns"},
		right{"Role usher-scheduler-lease", "get,update", "coordination.k8s.io/leases", "gpu-topology-scheduler", "manifests/scheduler/scheduler-config.yaml", "resourceName: gpu-topology-scheduler", "the same"},
		right{"ClusterRole usher-agent", "get", "usher.dev/gpunodes", "", "agent/store.go", "s.gpunodes.Get()", "its own node's report, at the start"},
		right{"ClusterRole usher-agent", "create", "usher.dev/gpunodes", "", "agent/store.go", "s.gpunodes.Post()", "its own node's, where there is none"},
		right{"ClusterRole usher-agent", "update", "usher.dev/gpunodes/status", "", "agent/store.go", `SubResource("status")`, "the report; that it is of its own node is judged by node_identity"},
		right{"ClusterRole usher-agent", "get", "nodes", "", "agent/store.go", `WithResource("nodes")).Get(`, "the Node that owns the report"},
		right{"ClusterRole usher-preflight", "get", "apiextensions.k8s.io/customresourcedefinitions", "gpunodes.usher.dev,quotaledgers.usher.dev,tenants.usher.dev", "cmd/usher/preflight/facts.go", "f.CRDs,", "in which versions objects are stored"},
		right{"ClusterRole usher-preflight", "get", "namespaces", "usher-system", "cmd/usher/preflight/facts.go", "&corev1.Namespace{}", "the level of Pod Security"},
		right{"ClusterRole usher-preflight", "get", "discovery.k8s.io/endpointslices", "kubernetes", "cmd/usher/preflight/facts.go", "&discoveryv1.EndpointSlice{}", "where the API server listens"},
		right{"Role usher-preflight", "get", "secrets", certificateSecrets, "cmd/usher/preflight/facts.go", "f.Secrets, o.Namespace", "who made the certificates that are there"},
		right{"ClusterRole usher-release-tenants", "list", "usher.dev/tenants", "", "cmd/usher/unregister/tenants.go", "u.client.List(", "those that have the finalizer"},
		right{"ClusterRole usher-release-tenants", "patch", "usher.dev/tenants", "", "cmd/usher/unregister/tenants.go", "u.client.Patch(", "the finalizer, which nobody else takes off any more"},
	)
}
