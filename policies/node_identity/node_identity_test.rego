package usher.node_identity_test

import data.usher.node_identity

_agent := "system:serviceaccount:usher-system:usher-agent"

_params := {
	"agents": {"users": [_agent], "groups": []},
	"admins": {"users": [], "groups": ["system:masters"]},
}

_bound_to(nodes) := {
	"username": _agent,
	"groups": ["system:serviceaccounts", "system:authenticated"],
	"extra": {"authentication.kubernetes.io/node-name": nodes},
}

_alice := {"username": "alice", "groups": ["system:authenticated"]}

_admin := {"username": "root", "groups": ["system:masters"]}

_collector := {"username": "system:serviceaccount:kube-system:generic-garbage-collector"}

_own_node := {"apiVersion": "v1", "kind": "Node", "name": "n1", "uid": "u1"}

_deployment := {"apiVersion": "apps/v1", "kind": "Deployment", "name": "n1", "uid": "u2"}

_request(user, operation, metadata, status) := {
	"params": _params,
	"request": {
		"kind": {"group": "usher.dev", "kind": "GPUNode", "version": "v1alpha1"},
		"operation": operation,
		"userInfo": user,
		"object": {"kind": "GPUNode", "metadata": metadata, "status": status},
	},
}

_create(user, metadata) := _request(user, "CREATE", metadata, {"sequence": 1})

# An update from sequence 1, without labels and owners.
_update(user, metadata, sequence) := object.union(
	_request(user, "UPDATE", metadata, {"sequence": sequence}),
	{"request": {"oldObject": {"kind": "GPUNode", "metadata": {"name": "n1"}, "status": {"sequence": 1}}}},
)

_applies(request) if node_identity.applies with input as request

_denied(request) := {[v.check, v.path] | some v in node_identity.deny with input as request}

# An agent's own report is known before it is judged.
_passes_unseen(request) if {
	not _applies(request)
	_denied(request) == set()
}

_fails(request, check) if {
	_applies(request)
	_denied(request) == {[check, "/metadata/name"]}
}

test_agents_report_their_own_nodes if {
	every request in [
		_create(_bound_to(["n1"]), {"name": "n1"}),
		_create(_bound_to(["n1"]), {"name": "n1", "ownerReferences": [_own_node]}),
		_update(_bound_to(["n1"]), {"name": "n1"}, 2),
		_update(_bound_to(["n1"]), {"name": "n1", "labels": {"a": "b"}}, 1),
	] {
		_passes_unseen(request)
	}
}

test_agents_report_no_other_node if {
	every request in [
		_create(_bound_to(["n2"]), {"name": "n1"}),
		_create(_bound_to(["n1"]), {"generateName": "n1"}),
		_create(_bound_to(["n1"]), {"name": 1}),
		_create(_bound_to(["n1"]), null),
		_create(_bound_to(["N1"]), {"name": "n1"}),
		_update(_bound_to(["n2"]), {"name": "n1"}, 2),
		_update(_bound_to(["n2"]), {"name": "n1", "labels": {"a": "b"}}, 1),
	] {
		_fails(request, "node")
	}
}

test_tokens_have_to_name_one_node if {
	every nodes in [[], ["n1", "n2"], [""], [7], [null], null, "n1", {"0": "n1"}] {
		_fails(_create(_bound_to(nodes), {"name": "n1"}), "token")
	}
	_fails(_create({"username": _agent}, {"name": "n1"}), "token")
	_fails(_create({"username": _agent}, {"name": ""}), "token")
}

test_nobody_else_reports if {
	every request in [
		_create(_alice, {"name": "n1"}),
		_create(object.union(_alice, {"extra": {"authentication.kubernetes.io/node-name": ["n1"]}}), {"name": "n1"}),
		_create({}, {"name": "n1"}),
		_create(_collector, {"name": "n1"}),
		_update(_alice, {"name": "n1"}, 2),
		_update(_collector, {"name": "n1", "labels": {"a": "b"}}, 2),
	] {
		_fails(request, "writer")
	}
}

test_without_parameters_nobody_reports if {
	denied := node_identity.deny with input as object.union(
		object.remove(_create(_bound_to(["n1"]), {"name": "n1"}), ["params"]),
		{"params": {}},
	)
	{v.check | some v in denied} == {"writer"}
}

test_metadata_is_left_to_rbac if {
	every request in [
		_update(_alice, {"name": "n1", "labels": {"a": "b"}}, 1),
		_update(_collector, {"name": "n1", "finalizers": []}, 1),
	] {
		_denied(request) == set()
	}
}

test_admins_write_all if {
	every request in [_create(_admin, {"name": "n1"}), _update(_admin, {"name": "n1"}, 0)] {
		_denied(request) == set()
	}

	# An agent among the admins is no agent.
	_denied(object.union(
		_create(_bound_to(["n2"]), {"name": "n1"}),
		{"params": {"admins": {"users": [_agent]}}},
	)) == set()
}

test_owner_is_the_node[note] if {
	some note, owner in {
		"another kind": _deployment,
		"another node": object.union(_own_node, {"name": "n2"}),
		"another group": object.union(_own_node, {"apiVersion": "example.com/v1"}),
		"no name": object.remove(_own_node, ["name"]),
		"another type": "Node",
	}
	every user in [_bound_to(["n1"]), _admin] {
		request := _create(user, {"name": "n1", "ownerReferences": [_own_node, owner]})
		_applies(request)
		_denied(request) == {["owner", "/metadata/ownerReferences/1"]}
	}
}

test_owners_that_were_there_are_left if {
	bad := {"name": "n1", "ownerReferences": [_deployment]}
	before := {"request": {"oldObject": {"metadata": bad}}}
	_denied(object.union(_update(_bound_to(["n1"]), bad, 2), before)) == set()
	_denied(object.union(_update(_collector, {"name": "n1"}, 1), before)) == set()
	_denied(object.union(
		_update(_bound_to(["n1"]), {"name": "n1", "ownerReferences": [_own_node, _deployment, {"kind": "Pod"}]}, 2),
		before,
	)) == {["owner", "/metadata/ownerReferences/2"]}
}

test_others_named_gpu_node_are_not_judged if {
	request := object.union(_create(_alice, {"name": "n1"}), {"request": {"kind": {"group": "example.com"}}})
	_passes_unseen(request)
}

test_other_kinds_are_not_judged if {
	request := object.union(_create(_alice, {"name": "n1"}), {"request": {"kind": {"kind": "Tenant"}}})
	_passes_unseen(request)
}

_message(request) := msg if {
	[msg] := [v.msg | some v in node_identity.deny with input as request]
}

test_messages_say_what_would_pass if {
	_message(_create(_alice, {"name": "n1"})) == concat("", [
		`user "alice" may not write what a GPUNode reports; leave it to the agent of node "n1" `,
		"(user system:serviceaccount:usher-system:usher-agent)",
	])
	_message(_create({"username": _agent}, {"name": "n1"})) == concat("", [
		`the token of user "system:serviceaccount:usher-system:usher-agent" does not name one node; `,
		"use the one that the kubelet projects into the agent's pod, which does",
	])
	_message(_create(_bound_to(["n2"]), {"name": "n1"})) == concat("", [
		`the agent of node "n2" may not write GPUNode "n1"; it may write "n2" alone`,
	])
	_message(_create(_admin, {"name": "n1", "ownerReferences": [_deployment]})) == concat("", [
		`owner Deployment "n1" is not the GPUNode's Node; leave it out, or name Node "n1" of v1`,
	])
	_message(_create(_admin, {"name": "n1", "ownerReferences": [{}]})) == concat("", [
		`owner without kind and name is not the GPUNode's Node; leave it out, or name Node "n1" of v1`,
	])
}
