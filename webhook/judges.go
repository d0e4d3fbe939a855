package webhook

// judgedWhole are the kinds that policies judge although they hold no pod, with
// the updates of them that are judged.
var judgedWhole = map[groupKind]judgedUpdates{
	{"", "Namespace"}:                            allUpdates,
	{"", "Binding"}:                              updatesOfSpec,
	{"resource.k8s.io", "ResourceClaim"}:         updatesOfLabels, // one of them the ledger knows it by
	{"resource.k8s.io", "ResourceClaimTemplate"}: updatesOfSpec,
	// All that it holds is metadata and status.
	{"usher.dev", "GPUNode"}: allUpdates,
	tenantKind:               updatesOfSpec,

	// What usher manages in tenants' namespaces, and what opens them to others.
	{"", "LimitRange"}:                           allUpdates,
	{"", "ResourceQuota"}:                        allUpdates,
	{"", "Service"}:                              updatesOfSpec,
	{"networking.k8s.io", "NetworkPolicy"}:       allUpdates,
	{"rbac.authorization.k8s.io", "Role"}:        allUpdates,
	{"rbac.authorization.k8s.io", "RoleBinding"}: allUpdates,
	{"cilium.io", "CiliumNetworkPolicy"}:         updatesOfSpec,
	{"crd.antrea.io", "NetworkPolicy"}:           updatesOfSpec,
	{"crd.projectcalico.org", "NetworkPolicy"}:   updatesOfSpec,
	{"projectcalico.org", "NetworkPolicy"}:       updatesOfSpec,
}

// judgedDeletions are the kinds whose deletion is judged: what usher manages
// bounds a tenant, and so does not go by the tenant's hand.
var judgedDeletions = map[groupKind]bool{
	{"", "LimitRange"}:                           true,
	{"", "Namespace"}:                            true,
	{"", "ResourceQuota"}:                        true,
	{"networking.k8s.io", "NetworkPolicy"}:       true,
	{"rbac.authorization.k8s.io", "Role"}:        true,
	{"rbac.authorization.k8s.io", "RoleBinding"}: true,
}

type judgedUpdates int

const (
	// updatesOfSpec: not those that leave all but metadata and status alone.
	updatesOfSpec judgedUpdates = iota
	// updatesOfLabels: but those of labels and annotations, too, unless the object
	// is being deleted.
	updatesOfLabels
	allUpdates
)

// judge reports whether an update has to be judged.
func (u judgedUpdates) judge(now, before map[string]any) bool {
	switch {
	case u == allUpdates, !sameApartFromMetadata(now, before):
		return true
	case u == updatesOfLabels && !terminating(before):
		return compare(now, before) == metadataChanged
	default:
		return false
	}
}

// Judges reports whether policies are asked about objects of the request's kind:
// those that hold pods, as configured, and those that are judged whole. The
// webhooks' rules send no others.
func (r *Reviewer) Judges(req *Request) bool {
	_, holdsPods := r.targets[req.groupKind()]
	_, whole := judgedWhole[req.groupKind()]
	return holdsPods || whole
}
