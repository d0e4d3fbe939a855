package usher.tenant_isolation_test

import data.usher.tenant_isolation

test_another_tenants_node_selector_is_refused if {
	tenant_isolation.deny == {{
		"check": "node-selector",
		"msg": `node selector "tenant=tenant-b" leads to another tenant's pool; only "tenant=tenant-a" is yours`,
		"path": "/spec/nodeSelector/tenant",
	}} with input as _create(_hard_tenant, {"nodeSelector": {"tenant": "tenant-b"}})
}

test_node_selectors_that_stay[note] if {
	some note, request in {
		"own": _hard({"nodeSelector": {"tenant": "tenant-a"}}),
		"other labels": _hard({"nodeSelector": {"topology.kubernetes.io/zone": "z1", "disk": "ssd"}}),
		"own, of a tenant without a pool": _poolless({"nodeSelector": {"tenant": "tenant-a"}}),
		"own, in a template": _template(_hard_tenant, {"nodeSelector": {"tenant": "tenant-a"}}),
		"null": _poolless({"nodeSelector": null}),
		"none, without a tenant": _tenantless({"nodeSelector": {"disk": "ssd"}}),
	}
	tenant_isolation.deny == set() with input as request
}

test_node_selectors_that_lead_out[note] if {
	some note, request in {
		"Soft": _create(_soft_tenant, {"nodeSelector": {"tenant": "tenant-b"}, "affinity": _kept_out}),
		"without a pool": _poolless({"nodeSelector": {"tenant": "tenant-b"}}),
		"without a tenant": _tenantless({"nodeSelector": {"tenant": "tenant-b"}}),
		"template": _template(_hard_tenant, {"nodeSelector": {"tenant": "tenant-b"}}),
		"empty value": _create(_hard_tenant, {"nodeSelector": {"tenant": ""}}),
		"null, which Kubernetes reads as empty": _create(_hard_tenant, {"nodeSelector": {"tenant": null}}),
		"value of another type": _create(_hard_tenant, {"nodeSelector": {"tenant": 7}}),
	}
	denied := tenant_isolation.deny with input as request
	[_checks(denied), _paths(denied)] == [{"node-selector"}, {"/spec/nodeSelector/tenant"}]
}

_a100_pool := {"nodePool": {"nodeSelector": {"tenant": "tenant-a", "nvidia.com/gpu.product": "A100"}}}

test_every_key_of_the_pools_selector_is_the_pools if {
	tenant_isolation.deny == {{
		"check": "node-selector",
		"msg": concat("", [
			`node selector "nvidia.com/gpu.product=H100" leads to another tenant's pool; `,
			`only "nvidia.com/gpu.product=A100", "tenant=tenant-a" is yours`,
		]),
		"path": "/spec/nodeSelector/nvidia.com~1gpu.product",
	}} with input as _create(
		_a100_pool,
		{"nodeSelector": {"tenant": "tenant-a", "nvidia.com/gpu.product": "H100"}},
	)
}

test_pool_keys_are_judged if {
	denied := tenant_isolation.deny with input as _hard({"nodeSelector": {"dedicated": "gold"}})
		with input.params.pool_keys as ["dedicated"]
	_paths(denied) == {"/spec/nodeSelector/dedicated"}
}

test_node_selector_of_another_type_is_refused if {
	denied := tenant_isolation.deny with input as _create(_hard_tenant, {"nodeSelector": ["tenant"]})
	{"check": "node-selector", "msg": "nodeSelector has to be an object", "path": "/spec/nodeSelector"} in denied
}

test_update_that_keeps_the_node_selector_passes if {
	tenant_isolation.deny == set() with input as _update(
		_hard_tenant,
		{"nodeSelector": {"tenant": "tenant-b"}},
		{"nodeSelector": {"tenant": "tenant-b"}},
	)
}

test_update_that_changes_the_node_selector_is_judged if {
	denied := tenant_isolation.deny with input as _update(
		_hard_tenant,
		{"nodeSelector": {"tenant": "tenant-a"}},
		{"nodeSelector": {"tenant": "tenant-b"}},
	)
	_checks(denied) == {"node-selector"}
}
