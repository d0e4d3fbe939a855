package usher.tenant_isolation_test

import data.usher.tenant_isolation

_binding_kind := {"group": "", "kind": "Binding", "version": "v1"}

_binding := object.union_n([
	_request(_binding_kind, "CREATE"), _in_namespace,
	{"request": {"subResource": "binding", "object": {"target": {"kind": "Node", "name": "n1"}}}},
])

_binding_fault := {
	"check": "binding",
	"msg": concat("", [
		`user "alice" may not bind pods to nodes; leave it to the scheduler `,
		`(user system:kube-scheduler, user system:serviceaccount:usher-system:usher-scheduler)`,
	]),
	"path": "/target",
}

test_users_may_not_bind[note] if {
	some note, request in {
		"in a tenant's namespace": object.union(_binding, _tenant(_hard_tenant)),
		"without a tenant": _binding,
		"by the older resource": object.union(_binding, {"request": {
			"resource": {"group": "", "resource": "bindings", "version": "v1"},
			"subResource": "",
		}}),
	}
	tenant_isolation.deny == {_binding_fault} with input as request
}

test_schedulers_may_bind[note] if {
	some note in ["system:kube-scheduler", "system:serviceaccount:usher-system:usher-scheduler"]
	tenant_isolation.deny == set() with input as _binding with input.request.userInfo as {"username": note}
}

test_binders_may_be_groups if {
	tenant_isolation.deny == set() with input as _binding
		with input.params.binders as {"groups": ["system:authenticated"]}
}

test_without_parameters_nobody_binds if {
	denied := tenant_isolation.deny with input as _binding with input.params as {}
	_checks(denied) == {"binding"}
}

test_unknown_requester_may_not_bind if {
	denied := tenant_isolation.deny with input as _binding with input.request.userInfo as {}
	_checks(denied) == {"binding"}
}
