package usher.tenant_isolation_test

import data.usher.tenant_isolation

_toleration := {"effect": "NoSchedule", "key": "tenant", "operator": "Equal", "value": "tenant-a"}

_unmarked_nodes := {"key": "tenant", "operator": "DoesNotExist"}

_own_nodes := {"key": "tenant", "operator": "In", "values": ["tenant-a"]}

_preference := {"weight": 100, "preference": {"matchExpressions": [_own_nodes]}}

_soft := {
	"preferredDuringSchedulingIgnoredDuringExecution": [_preference],
	"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
		{"matchExpressions": [_unmarked_nodes]},
		{"matchExpressions": [_own_nodes]},
	]},
}

test_hard_pod_gets_toleration_and_selector[note] if {
	some note, spec in {"unset": {}, "null": {"tolerations": null, "nodeSelector": null}}
	tenant_isolation.patch == {
		{"op": "add", "path": "/spec/tolerations", "value": [_toleration]},
		{"op": "add", "path": "/spec/nodeSelector", "value": {"tenant": "tenant-a"}},
	} with input as _create(_hard_tenant, spec)
}

test_hard_pod_keeps_what_it_has if {
	tenant_isolation.patch == {
		{"op": "add", "path": "/spec/tolerations/-", "value": _toleration},
		{"op": "add", "path": "/spec/nodeSelector/tenant", "value": "tenant-a"},
	} with input as _create(_hard_tenant, {
		"nodeSelector": {"disk": "ssd"},
		"tolerations": [{"key": "nvidia.com/gpu", "operator": "Exists"}],
	})
}

test_empty_list_gets_the_toleration if {
	patch := tenant_isolation.patch with input as _hard({"tolerations": []})
	patch == {{"op": "add", "path": "/spec/tolerations", "value": [_toleration]}}
}

test_keys_of_the_selector_are_escaped if {
	tenant_isolation.patch == {
		{"op": "add", "path": "/spec/tolerations", "value": [_toleration]},
		{"op": "add", "path": "/spec/nodeSelector/nvidia.com~1gpu.product", "value": "A100"},
	} with input as _create(_a100_pool, {"nodeSelector": {"tenant": "tenant-a"}})
}

test_contradicting_selector_is_left_for_the_checks if {
	tenant_isolation.patch == set() with input as _create(_hard_tenant, {
		"nodeSelector": {"tenant": "tenant-b"},
		"tolerations": [_toleration],
	})
}

test_tolerations_that_are_enough[note] if {
	some note, toleration in {
		"the same": _toleration,
		"without an operator": {"key": "tenant", "value": "tenant-a", "effect": "NoSchedule"},
		"every effect": {"key": "tenant", "operator": "Equal", "value": "tenant-a"},
	}
	tenant_isolation.patch == set() with input as _hard({"tolerations": [toleration]})
}

test_tolerations_that_are_not_enough[note] if {
	some note, toleration in {
		"another effect": object.union(_toleration, {"effect": "NoExecute"}),
		"another value": object.union(_toleration, {"value": "tenant-b"}),
	}
	tenant_isolation.patch == {{
		"op": "add",
		"path": "/spec/tolerations/-",
		"value": _toleration,
	}} with input as _hard({"tolerations": [toleration]})
}

test_pool_says_taint_and_selector if {
	tenant_isolation.patch == {
		{"op": "add", "path": "/spec/nodeSelector", "value": {"pool": "gold"}},
		{"op": "add", "path": "/spec/tolerations", "value": [{
			"effect": "NoExecute",
			"key": "dedicated",
			"operator": "Equal",
			"value": "gold",
		}]},
	} with input as _create(
		{"nodePool": {
			"nodeSelector": {"pool": "gold"},
			"taint": {"effect": "NoExecute", "key": "dedicated", "value": "gold"},
		}},
		{},
	)
}

test_soft_pod_prefers_its_pool_and_keeps_off_others[note] if {
	some note, spec in {"unset": {}, "null": {"affinity": null}}
	tenant_isolation.patch == {
		{"op": "add", "path": "/spec/affinity", "value": {"nodeAffinity": _soft}},
		{"op": "add", "path": "/spec/tolerations", "value": [_toleration]},
	} with input as _create(_soft_tenant, spec)
}

test_soft_pod_keeps_its_other_affinity[note] if {
	some note, affinity in {"empty": {}, "null": {"nodeAffinity": null}, "of pods": {"podAntiAffinity": {}}}
	tenant_isolation.patch == {{
		"op": "add",
		"path": "/spec/affinity/nodeAffinity",
		"value": _soft,
	}} with input as _create(_soft_tenant, {"affinity": affinity, "tolerations": [_toleration]})
}

test_soft_pod_with_an_empty_node_affinity if {
	tenant_isolation.patch == {
		{
			"op": "add",
			"path": "/spec/affinity/nodeAffinity/preferredDuringSchedulingIgnoredDuringExecution",
			"value": [_preference],
		},
		{
			"op": "add",
			"path": "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution",
			"value": {"nodeSelectorTerms": [{"matchExpressions": [_unmarked_nodes]}, {"matchExpressions": [_own_nodes]}]},
		},
	} with input as _create(_soft_tenant, {"affinity": {"nodeAffinity": {}}, "tolerations": [_toleration]})
}

_zone(zone) := {"key": "zone", "operator": "In", "values": [zone]}

_one_node := [{"key": "metadata.name", "operator": "In", "values": ["n1"]}]

# Every term is kept out by itself, once for each way; the empty one matches
# nothing, and the last ones are refused or keep out already.
test_every_ored_term_is_kept_out if {
	tenant_isolation.patch == {{
		"op": "replace",
		"path": "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
		"value": [
			{"matchExpressions": [_zone("z1"), _unmarked_nodes]},
			{"matchExpressions": [_unmarked_nodes], "matchFields": _one_node},
			{},
			{"matchExpressions": [{"key": "tenant", "operator": "Exists"}]},
			{"matchExpressions": [_own_nodes, _zone("z2")]},
			{"matchExpressions": [_zone("z1"), _own_nodes]},
			{"matchExpressions": [_own_nodes], "matchFields": _one_node},
		],
	}} with input as _create(_soft_tenant, {
		"tolerations": [_toleration],
		"affinity": {"nodeAffinity": {
			"preferredDuringSchedulingIgnoredDuringExecution": [_preference],
			"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
				{"matchExpressions": [_zone("z1")]},
				{"matchFields": _one_node},
				{},
				{"matchExpressions": [{"key": "tenant", "operator": "Exists"}]},
				{"matchExpressions": [_own_nodes, _zone("z2")]},
			]},
		}},
	})
}

test_preference_is_added_to_others if {
	patch := tenant_isolation.patch with input as _create(_soft_tenant, {
		"tolerations": [_toleration],
		"affinity": {"nodeAffinity": object.union(_kept_out.nodeAffinity, {"preferredDuringSchedulingIgnoredDuringExecution": [{
			"weight": 100,
			"preference": {"matchExpressions": [_own_nodes, _zone("z1")]},
		}]})},
	})
	patch == {{
		"op": "add",
		"path": "/spec/affinity/nodeAffinity/preferredDuringSchedulingIgnoredDuringExecution/-",
		"value": _preference,
	}}
}

test_users_own_preference_keeps_its_weight if {
	tenant_isolation.patch == set() with input as _create(_soft_tenant, {
		"tolerations": [_toleration],
		"affinity": {"nodeAffinity": object.union(
			_kept_out.nodeAffinity,
			{"preferredDuringSchedulingIgnoredDuringExecution": [object.union(_preference, {"weight": 7})]},
		)},
	})
}

test_own_labels_of_a_soft_pool_keep_out_too if {
	patch := tenant_isolation.patch with input as _create(
		{"nodePool": {"isolation": "Soft", "nodeSelector": {"pool": "gold"}}},
		{"tolerations": [_toleration], "affinity": {}},
	)
	own := {"key": "pool", "operator": "In", "values": ["gold"]}
	patch == {{"op": "add", "path": "/spec/affinity/nodeAffinity", "value": {
		"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 100, "preference": {"matchExpressions": [own]}}],
		"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [
			{"matchExpressions": [{"key": "pool", "operator": "DoesNotExist"}, _unmarked_nodes]},
			{"matchExpressions": [own]},
		]},
	}}}
}

test_nothing_is_amended[note] if {
	some note, request in {
		"of a template": _template(_hard_tenant, {}),
		"of a pod that exists": _update(_hard_tenant, {}, {}),
		"without a pool": _poolless({}),
		"without a tenant": _tenantless({}),
		"of a pod without a spec": object.remove(_create(_hard_tenant, {}), ["pod"]),
		"of a spec of another type": object.union(_create(_soft_tenant, {}), {"pod": {"spec": "x"}}),
		"of a missing tenant": object.remove(_create({}, {}), ["tenant"]),
	}
	tenant_isolation.patch == set() with input as request
}

test_fields_of_another_type_are_left_for_the_checks[note] if {
	some note, tc in {
		"Hard": {"tenant": _hard_tenant, "spec": {"tolerations": "x", "nodeSelector": []}},
		"Soft": {"tenant": _soft_tenant, "spec": {"tolerations": 1, "affinity": "x"}},
		"node affinity": {"tenant": _soft_tenant, "spec": {"tolerations": {}, "affinity": {"nodeAffinity": []}}},
		"terms": {"tenant": _soft_tenant, "spec": {"tolerations": false, "affinity": {"nodeAffinity": {
			"preferredDuringSchedulingIgnoredDuringExecution": {},
			"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": "x"},
		}}}},
		"a term": {"tenant": _soft_tenant, "spec": {"tolerations": false, "affinity": {"nodeAffinity": {
			"preferredDuringSchedulingIgnoredDuringExecution": 7,
			"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": ["x", {"matchExpressions": "y"}]},
		}}}},
	}
	tenant_isolation.patch == set() with input as _create(tc.tenant, tc.spec)
}
