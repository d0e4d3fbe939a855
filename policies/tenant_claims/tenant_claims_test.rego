package usher.tenant_claims_test

import data.usher.tenant_claims

_request(spec, others) := {
	"params": {"reserved_namespaces": ["default", "gpu-*"]},
	"tenants": others,
	"request": {
		"kind": {"group": "usher.dev", "kind": "Tenant", "version": "v1alpha1"},
		"operation": "CREATE",
		"name": "b",
		"object": {"metadata": {"name": "b"}, "spec": spec},
	},
}

_update(old, spec, others) := object.union(
	_request(spec, others),
	{"request": {"operation": "UPDATE", "oldObject": {"metadata": {"name": "b"}, "spec": old}}},
)

_denied(request) := {[v.check, v.path] | some v in tenant_claims.deny with input as request}

_messages(request) := {v.msg | some v in tenant_claims.deny with input as request}

test_a_namespace_has_one_tenant if {
	others := [{"name": "a", "namespaces": ["x", "shared"]}, {"name": "c"}]
	_denied(_request({"namespaces": ["y", "shared"]}, others)) == {["namespace", "/spec/namespaces/1"]}
	_denied(_request({"namespaces": ["y"]}, others)) == set()
	_denied(_request({}, others)) == set()
	_messages(_request({"namespaces": ["x"]}, others)) == {`namespace "x" is also claimed by Tenant "a"; take it out of one of them`}
}

test_a_tenant_does_not_contend_with_itself if {
	others := [{"name": "b", "namespaces": ["x"], "nodePool": {}}]
	_denied(_update({"namespaces": ["x"]}, {"namespaces": ["x", "y"], "nodePool": {"isolation": "Soft"}}, others)) == set()
}

test_reserved_namespaces_are_no_tenants if {
	_denied(_request({"namespaces": ["default", "team", "gpu-operator"]}, [])) == {
		["reserved-namespace", "/spec/namespaces/0"],
		["reserved-namespace", "/spec/namespaces/2"],
	}
	_denied(_update({"namespaces": ["default"]}, {"namespaces": ["default"]}, [])) == set()
}

_taint(key, value) := {"nodeSelector": {key: value}, "taint": {"key": key, "value": value}}

test_taints_are_of_one_pool[note] if {
	some note, case in {
		"the default of both": [{}, {"nodePool": {}}, set()],
		"by words": [_taint("k", "v"), {"nodePool": {"taint": {"key": "k", "value": "v", "effect": "NoExecute"}}}, {"taint"}],
		"without a value": [{"taint": {"key": "k"}}, {"nodePool": {"taint": {"key": "k", "value": ""}}}, {"taint"}],
		"another value": [_taint("k", "v"), {"nodePool": _taint("k", "w")}, set()],
		"another key": [_taint("k", "v"), {"nodePool": _taint("l", "v")}, set()],
		"the other's default": [{"taint": {"key": "tenant", "value": "a"}}, {"nodePool": {}}, {"taint"}],
		"the own default, taken by the other": [{}, {"nodePool": {"taint": {"key": "tenant", "value": "b"}}}, {"taint"}],
		"no pool": [_taint("k", "v"), {}, set()],
	}
	[pool, other, parts] := case
	_denied(_request({"nodePool": pool}, [object.union({"name": "a"}, other)])) == {["node-pool", sprintf("/spec/nodePool/%s", [part])] | some part in parts}
}

_selects(labels) := {"nodeSelector": labels}

test_nodes_are_of_one_pool[note] if {
	some note, case in {
		"the same labels": [{"gpu": "a"}, {"gpu": "a"}, true],
		"fewer": [{"gpu": "a"}, {"gpu": "a", "zone": "1"}, true],
		"more": [{"gpu": "a", "zone": "1"}, {"gpu": "a"}, true],
		"another value": [{"gpu": "a", "zone": "1"}, {"gpu": "b", "zone": "1"}, false],
		"other labels": [{"gpu": "a"}, {"zone": "1"}, false],
		"some that are the same": [{"gpu": "a", "zone": "1"}, {"gpu": "a", "rack": "2"}, false],
		"the other's default": [{"tenant": "a"}, {}, true],
		"the own default": [{}, {"tenant": "b"}, true],
		"the own default, without labels": [null, {"tenant": "b"}, true],
	}
	[labels, others, overlap] := case
	request := _request({"nodePool": _selects(labels)}, [{"name": "a", "nodePool": _selects(others)}])
	_denied(request) == {["node-pool", "/spec/nodePool/nodeSelector"] | overlap}
}

test_the_tenant_label_is_the_configured_one if {
	request := object.union(
		_request({"nodePool": {"taint": {"key": "team", "value": "a"}, "nodeSelector": {"team": "a"}}}, [{"name": "a", "nodePool": {}}]),
		{"config": {"tenant_label": "team"}},
	)
	_denied(request) == {["node-pool", "/spec/nodePool/nodeSelector"], ["node-pool", "/spec/nodePool/taint"]}
}

test_messages_about_pools_name_the_other if {
	others := [{"name": "a", "nodePool": {"taint": {"key": "k", "value": "v"}, "nodeSelector": {"gpu": "a"}}}]
	_messages(_request({"nodePool": {"taint": {"key": "k", "value": "v"}, "nodeSelector": {"zone": "1", "gpu": "a"}}}, others)) == {
		`taint "k=v" is also that of the pool of Tenant "a"; give each pool a taint of its own`,
		`nodes with gpu=a,zone=1 are also in the pool of Tenant "a", by gpu=a; give the nodes of each pool a label of their own`,
	}
}

test_an_update_answers_for_what_it_adds if {
	taken := {"namespaces": ["shared"], "nodePool": _taint("k", "v")}
	others := [object.union({"name": "a"}, taken)]
	_denied(_update(taken, object.union(taken, {"quota": {"pods": "1"}}), others)) == set()
	_denied(_update({}, taken, others)) == {
		["namespace", "/spec/namespaces/0"],
		["node-pool", "/spec/nodePool/nodeSelector"],
		["node-pool", "/spec/nodePool/taint"],
	}
	moved := object.union(taken, {"nodePool": {"nodeSelector": {"more": "x"}}})
	_denied(_update(taken, moved, others)) == {["node-pool", "/spec/nodePool/nodeSelector"]}
}

test_odd_tenants_are_no_errors if {
	every spec in [null, "x", {"namespaces": "x"}, {"namespaces": [7]}, {"nodePool": "x"}, {"nodePool": {"nodeSelector": "x", "taint": "x"}}] {
		_denied(_request(spec, [{"name": "a", "namespaces": ["x"]}, {"name": "c", "nodePool": {}}])) == set()
	}
	_denied(object.union(_request({"nodePool": {}}, [{"name": "a", "nodePool": {}}]), {"request": {"object": {"metadata": {"name": 7}}}})) == set()
}

test_others_named_tenant_are_not_judged if {
	request := object.union(_request({"namespaces": ["x"]}, [{"name": "a", "namespaces": ["x"]}]), {"request": {"kind": {"group": "capsule.clastix.io"}}})
	_denied(request) == set()
	_denied(object.union(request, {"request": {"kind": {"group": "usher.dev", "kind": "GPUNode"}}})) == set()
}
