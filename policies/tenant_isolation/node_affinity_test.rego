package usher.tenant_isolation_test

import data.usher.tenant_isolation

_nodes_path := "/spec/affinity/nodeAffinity"

_first_term := concat("", [
	_nodes_path,
	"/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms/0",
])

_first_preference := concat("", [
	_nodes_path,
	"/preferredDuringSchedulingIgnoredDuringExecution/0/preference",
])

_require(requirement) := _terms([{"matchExpressions": [requirement]}])

_prefer(requirement) := {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{
	"weight": 10,
	"preference": {"matchExpressions": [requirement]},
}]}}}

test_required_affinity_to_another_tenant_is_refused if {
	tenant_isolation.deny == {{
		"check": "node-affinity",
		"msg": `node affinity to "tenant=tenant-b" leads to another tenant's pool; only "tenant=tenant-a" is yours`,
		"path": concat("", [_first_term, "/matchExpressions/0/values/1"]),
	}} with input as _hard(_require({"key": "tenant", "operator": "In", "values": ["tenant-a", "tenant-b"]}))
}

test_preferred_affinity_to_another_tenant_is_refused if {
	tenant_isolation.deny == {{
		"check": "node-affinity",
		"msg": `node affinity to "tenant=tenant-b" leads to another tenant's pool; only "tenant=tenant-a" is yours`,
		"path": concat("", [_first_preference, "/matchExpressions/0/values/0"]),
	}} with input as _hard(_prefer({"key": "tenant", "operator": "In", "values": ["tenant-b"]}))
}

test_requirement_that_reaches_any_pool_is_refused if {
	tenant_isolation.deny == {{
		"check": "node-affinity",
		"msg": concat("", [
			`node affinity to "tenant" with operator "Exists" leads to other tenants' pools; `,
			`only "tenant=tenant-a" is yours`,
		]),
		"path": concat("", [_first_term, "/matchExpressions/0"]),
	}} with input as _hard(_require({"key": "tenant", "operator": "Exists"}))
}

test_requirements_that_lead_out[note] if {
	some note, requirement in {
		"in another pool": {"key": "tenant", "operator": "In", "values": ["tenant-b"]},
		"exists": {"key": "tenant", "operator": "Exists"},
		"greater": {"key": "tenant", "operator": "Gt", "values": ["0"]},
		"less": {"key": "tenant", "operator": "Lt", "values": ["9"]},
		"no operator": {"key": "tenant"},
		"null operator": {"key": "tenant", "operator": null},
		"unknown operator": {"key": "tenant", "operator": "in", "values": ["tenant-b"]},
		"values of another type": {"key": "tenant", "operator": "In", "values": "tenant-b"},
		"a value of another type": {"key": "tenant", "operator": "In", "values": [7]},
		"key of another type": {"key": ["tenant"], "operator": "Exists"},
		"no key": {"operator": "Exists"},
		"not an object": "tenant",
	}
	required := tenant_isolation.deny with input as _hard(_require(requirement))
	_checks(required) == {"node-affinity"}
	preferred := tenant_isolation.deny with input as _hard(_prefer(requirement))
	_checks(preferred) == {"node-affinity"}
}

test_requirements_that_stay[note] if {
	some note, requirement in {
		"own pool": {"key": "tenant", "operator": "In", "values": ["tenant-a"]},
		"not another's": {"key": "tenant", "operator": "NotIn", "values": ["tenant-b"]},
		"no pool": {"key": "tenant", "operator": "DoesNotExist"},
		"zone": {"key": "topology.kubernetes.io/zone", "operator": "In", "values": ["z1", "z2"]},
		"any GPU": {"key": "nvidia.com/gpu.product", "operator": "Exists"},
		"many GPUs": {"key": "nvidia.com/gpu.count", "operator": "Gt", "values": ["4"]},
		"no values": {"key": "tenant", "operator": "In"},
	}
	tenant_isolation.deny == set() with input as _hard(_require(requirement))
	tenant_isolation.deny == set() with input as _hard(_prefer(requirement))
}

test_daemon_set_controllers_match_fields_pass if {
	tenant_isolation.deny == set() with input as _hard(_terms([{"matchFields": [{
		"key": "metadata.name",
		"operator": "In",
		"values": ["n1"],
	}]}]))
}

test_pod_without_a_tenant_may_not_prefer_pools if {
	tenant_isolation.deny == {{
		"check": "node-affinity",
		"msg": `node affinity to "tenant=tenant-b" leads to another tenant's pool; leave it out`,
		"path": concat("", [_first_preference, "/matchExpressions/0/values/0"]),
	}} with input as _tenantless(_prefer({"key": "tenant", "operator": "In", "values": ["tenant-b"]}))
}

test_tenant_without_a_pool_may_not_prefer_others if {
	denied := tenant_isolation.deny with input as _poolless(_prefer({"key": "tenant", "operator": "In", "values": ["tenant-b"]}))
	_checks(denied) == {"node-affinity"}
}

test_labels_that_mark_the_pool_instead_of_the_tenant_label if {
	pool := {"nodePool": {"nodeSelector": {"pool": "gold"}}}
	denied := tenant_isolation.deny with input as _template(
		pool,
		_require({"key": "pool", "operator": "In", "values": ["silver"]}),
	)
	_checks(denied) == {"node-affinity"}
}

test_labels_beside_the_tenant_label_mark_no_pool if {
	tenant_isolation.deny == set() with input as _template(
		_a100_pool,
		_require({"key": "nvidia.com/gpu.product", "operator": "In", "values": ["A100", "H100"]}),
	)
}

test_affinity_of_another_type_is_refused[note] if {
	some note, tc in {
		"affinity": {"spec": {"affinity": "tenant"}, "path": "/spec/affinity", "wanted": "an object"},
		"nodeAffinity": {
			"spec": {"affinity": {"nodeAffinity": []}},
			"path": _nodes_path,
			"wanted": "an object",
		},
		"required": {
			"spec": {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": 1}}},
			"path": concat("", [_nodes_path, "/requiredDuringSchedulingIgnoredDuringExecution"]),
			"wanted": "an object",
		},
		"terms": {
			"spec": _terms({"matchExpressions": []}),
			"path": concat("", [_nodes_path, "/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms"]),
			"wanted": "a list",
		},
		"a term": {"spec": _terms(["x"]), "path": _first_term, "wanted": "an object"},
		"expressions": {
			"spec": _terms([{"matchExpressions": {}}]),
			"path": concat("", [_first_term, "/matchExpressions"]),
			"wanted": "a list",
		},
		"preferred": {
			"spec": {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": "x"}}},
			"path": concat("", [_nodes_path, "/preferredDuringSchedulingIgnoredDuringExecution"]),
			"wanted": "a list",
		},
		"a preferred term": {
			"spec": {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [7]}}},
			"path": concat("", [_nodes_path, "/preferredDuringSchedulingIgnoredDuringExecution/0"]),
			"wanted": "an object",
		},
	}
	denied := tenant_isolation.deny with input as _hard(tc.spec)
	{
		"check": "node-affinity",
		"msg": sprintf("this has to be %s", [tc.wanted]),
		"path": tc.path,
	} in denied
}

test_update_that_keeps_node_affinity_passes if {
	bad := _require({"key": "tenant", "operator": "Exists"})
	tenant_isolation.deny == set() with input as _update(_hard_tenant, bad, bad)
}

test_update_that_changes_node_affinity_is_judged if {
	denied := tenant_isolation.deny with input as _update(
		_hard_tenant,
		{},
		_prefer({"key": "tenant", "operator": "Exists"}),
	)
	_checks(denied) == {"node-affinity"}
}
