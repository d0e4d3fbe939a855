package usher.tenant_isolation_test

import data.usher.tenant_isolation

test_another_tenants_toleration_is_refused if {
	tenant_isolation.deny == {{
		"check": "toleration",
		"msg": `toleration of "tenant=tenant-b" opens another tenant's pool; only "tenant=tenant-a" is yours`,
		"path": "/spec/tolerations/1",
	}} with input as _hard({"tolerations": [
		{"key": "tenant", "operator": "Equal", "value": "tenant-a", "effect": "NoSchedule"},
		{"key": "tenant", "operator": "Equal", "value": "tenant-b", "effect": "NoSchedule"},
	]})
}

test_wildcard_toleration_is_refused if {
	tenant_isolation.deny == {{
		"check": "toleration",
		"msg": "toleration without a key opens every tenant's pool; name the taint that is meant, by its key",
		"path": "/spec/tolerations/0",
	}} with input as _hard({"tolerations": [{"operator": "Exists"}]})
}

test_any_operator_but_equal_on_the_tenant_key_is_refused if {
	tenant_isolation.deny == {{
		"check": "toleration",
		"msg": `toleration of "tenant" with operator "Exists" opens other tenants' pools; only "tenant=tenant-a" is yours`,
		"path": "/spec/tolerations/0",
	}} with input as _hard({"tolerations": [{"key": "tenant", "operator": "Exists"}]})
}

test_tolerations_that_open_other_pools[note] if {
	some note, toleration in {
		"no operator means Equal": {"key": "tenant", "value": "tenant-b"},
		"null operator": {"key": "tenant", "operator": null, "value": "tenant-b"},
		"no value": {"key": "tenant"},
		"every effect": {"key": "tenant", "operator": "Equal", "value": "tenant-b", "effect": ""},
		"NoExecute": {"key": "tenant", "operator": "Equal", "value": "tenant-b", "effect": "NoExecute"},
		"PreferNoSchedule": {"key": "tenant", "operator": "Equal", "value": "tenant-b", "effect": "PreferNoSchedule"},
		"Exists with a value": {"key": "tenant", "operator": "Exists", "value": "tenant-a"},
		"less than": {"key": "tenant", "operator": "Lt", "value": "9"},
		"greater than": {"key": "tenant", "operator": "Gt", "value": "0"},
		"unknown operator": {"key": "tenant", "operator": "exists"},
		"wildcard of one effect": {"operator": "Exists", "effect": "NoExecute"},
		"wildcard with an empty key": {"key": "", "operator": "Exists"},
		"wildcard with a null key": {"key": null, "operator": "Exists"},
		"no key and a value": {"value": "tenant-b"},
		"nothing at all": {},
		"value of another type": {"key": "tenant", "value": 7},
		"key of another type": {"key": ["tenant"], "operator": "Exists"},
		"not an object": "tenant",
	}
	denied := tenant_isolation.deny with input as _hard({"tolerations": [toleration]})
	[_checks(denied), _paths(denied)] == [{"toleration"}, {"/spec/tolerations/0"}]
}

test_tolerations_that_stay[note] if {
	some note, toleration in {
		"own": {"key": "tenant", "operator": "Equal", "value": "tenant-a", "effect": "NoSchedule"},
		"own, every effect": {"key": "tenant", "value": "tenant-a"},
		"not ready": {"key": "node.kubernetes.io/not-ready", "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 300},
		"GPU nodes": {"key": "nvidia.com/gpu", "operator": "Exists"},
		"a key that begins alike": {"key": "tenant-zone", "operator": "Exists"},
		"a number of another key": {"key": "sla", "operator": "Gt", "value": "95"},
	}
	tenant_isolation.deny == set() with input as _hard({"tolerations": [toleration]})
}

test_tolerations_may_be_unset[note] if {
	some note, spec in {"absent": {}, "null": {"tolerations": null}, "empty": {"tolerations": []}}
	tenant_isolation.deny == set() with input as _hard(spec)
}

test_tolerations_of_another_type_are_refused[note] if {
	some note, value in {"string": "tenant", "number": 1, "false": false}
	tenant_isolation.deny == {{
		"check": "toleration",
		"msg": "tolerations has to be a list",
		"path": "/spec/tolerations",
	}} with input as _hard({"tolerations": value})
}

_gold_pool := {"nodePool": {"taint": {"key": "dedicated", "value": "gold"}, "nodeSelector": {"pool": "gold"}}}

test_pool_with_its_own_taint[note] if {
	some note, tc in {
		"its taint": {"toleration": {"key": "dedicated", "value": "gold"}, "refused": false},
		"its key with another value": {"toleration": {"key": "dedicated", "value": "silver"}, "refused": true},
		"its key with every value": {"toleration": {"key": "dedicated", "operator": "Exists"}, "refused": true},
		"the tenant's name": {"toleration": {"key": "tenant", "value": "tenant-a"}, "refused": false},
		"another tenant's name": {"toleration": {"key": "tenant", "value": "tenant-b"}, "refused": true},
	}
	denied := tenant_isolation.deny with input as _create(
		_gold_pool,
		{"nodeSelector": {"pool": "gold"}, "tolerations": [tc.toleration]},
	)
	count(denied) > 0 == tc.refused
}

test_pool_keys_mark_pools_too if {
	denied := tenant_isolation.deny with input as _hard({"tolerations": [{"key": "dedicated", "value": "gold"}]})
		with input.params.pool_keys as ["dedicated"]
	_checks(denied) == {"toleration"}
}

test_tenant_without_a_pool_may_not_enter_others if {
	denied := tenant_isolation.deny with input as _poolless({"tolerations": [{"key": "tenant", "value": "tenant-b"}]})
	_checks(denied) == {"toleration"}
}

test_pod_without_a_tenant_stays_out_of_pools if {
	tenant_isolation.deny == {
		{
			"check": "toleration",
			"msg": `toleration of "tenant=tenant-b" opens another tenant's pool; leave it out`,
			"path": "/spec/tolerations/0",
		},
		{
			"check": "toleration",
			"msg": "toleration without a key opens every tenant's pool; name the taint that is meant, by its key",
			"path": "/spec/tolerations/1",
		},
	} with input as _tenantless({"tolerations": [
		{"key": "tenant", "value": "tenant-b"},
		{"operator": "Exists"},
	]})
}

test_pod_without_a_tenant_may_be_let_in if {
	tenant_isolation.deny == set() with input as _tenantless({"tolerations": [{"operator": "Exists"}]})
		with input.params.tenantless_pods_may_enter_pools as true
}

test_template_is_judged_like_a_pod if {
	denied := tenant_isolation.deny with input as _template(_hard_tenant, {"tolerations": [{"operator": "Exists"}]})
	_checks(denied) == {"toleration"}
}

test_update_that_adds_a_toleration_is_judged if {
	denied := tenant_isolation.deny with input as _update(
		_hard_tenant,
		{"tolerations": [{"operator": "Exists", "effect": "NoExecute"}]},
		{"tolerations": [{"operator": "Exists", "effect": "NoExecute"}, {"operator": "Exists", "effect": "NoSchedule"}]},
	)
	_paths(denied) == {"/spec/tolerations/1"}
}

test_update_that_keeps_a_toleration_passes if {
	tenant_isolation.deny == set() with input as _update(
		_hard_tenant,
		{"tolerations": [{"operator": "Exists"}]},
		{"tolerations": [{"operator": "Exists", "tolerationSeconds": 5}, {"key": "zone", "operator": "Exists"}]},
	)
}

test_template_is_judged_whole_on_every_update if {
	kept := {"tolerations": [{"operator": "Exists"}]}
	template := object.union(_template(_hard_tenant, kept), {
		"request": {"operation": "UPDATE"},
		"old_pod": {"path": "/spec/template", "spec": kept},
	})
	denied := tenant_isolation.deny with input as template
	_checks(denied) == {"toleration"}
}

test_old_pod_counts_on_updates_alone if {
	request := object.union(
		_hard({"tolerations": [{"operator": "Exists"}]}),
		{"old_pod": {"path": "", "spec": {"tolerations": [{"operator": "Exists"}]}}},
	)
	denied := tenant_isolation.deny with input as request
	_checks(denied) == {"toleration"}
}
