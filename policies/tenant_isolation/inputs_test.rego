package usher.tenant_isolation_test

# The parameters' defaults.
_params := {
	"allowed_priority_classes": [],
	"allowed_schedulers": ["default-scheduler", "gpu-topology-scheduler"],
	"binders": {
		"groups": [],
		"users": ["system:kube-scheduler", "system:serviceaccount:usher-system:usher-scheduler"],
	},
	"namespace_admins": {
		"groups": ["system:masters"],
		"users": ["system:serviceaccount:usher-system:usher-controller"],
	},
	"node_name_setters": {"groups": ["system:nodes"], "users": []},
	"pool_keys": [],
	"tenantless_pods_may_enter_pools": false,
}

_alice := {"username": "alice", "groups": ["system:authenticated"]}

_request(kind, operation) := {
	"request": {"kind": kind, "namespace": "apps", "operation": operation, "userInfo": _alice},
	"config": {"tenant_label": "tenant"},
	"params": _params,
}

_in_namespace := {"namespace": {"metadata": {"name": "apps"}}}

_pod_kind := {"group": "", "kind": "Pod", "version": "v1"}

_deployment_kind := {"group": "apps", "kind": "Deployment", "version": "v1"}

# tenant is the Tenant's spec.
_tenant(tenant) := {"tenant": {"metadata": {"name": "tenant-a"}, "spec": tenant}}

_hard_tenant := {"nodePool": {"isolation": "Hard"}}

_soft_tenant := {"nodePool": {"isolation": "Soft"}}

_pod(spec) := {"pod": {"metadata": {}, "path": "", "spec": spec}}

_create(tenant, spec) := object.union_n([_request(_pod_kind, "CREATE"), _in_namespace, _tenant(tenant), _pod(spec)])

# A pod as it is once the pool's node selector is injected.
_hard(spec) := _create(_hard_tenant, object.union({"nodeSelector": {"tenant": "tenant-a"}}, spec))

# A pod in a tenant's namespace that has no pool of its own.
_poolless(spec) := _create({}, spec)

# A pod in a namespace without a tenant.
_tenantless(spec) := object.union_n([_request(_pod_kind, "CREATE"), _in_namespace, _pod(spec)])

_template(tenant, spec) := object.union_n([
	_request(_deployment_kind, "CREATE"), _in_namespace, _tenant(tenant),
	{"pod": {"metadata": {}, "path": "/spec/template", "spec": spec}},
])

_update(tenant, old, new) := object.union_n([
	_request(_pod_kind, "UPDATE"), _in_namespace, _tenant(tenant), _pod(new),
	{"old_pod": {"metadata": {}, "path": "", "spec": old}},
])

_kept_out := {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
	{"matchExpressions": [{"key": "tenant", "operator": "DoesNotExist"}]},
	{"matchExpressions": [{"key": "tenant", "operator": "In", "values": ["tenant-a"]}]},
]}}}

_checks(violations) := {violation.check | some violation in violations}

_paths(violations) := {violation.path | some violation in violations}
