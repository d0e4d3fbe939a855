package usher.managed_objects_test

# What a tenant makes of its own beside what usher manages.

_isolated(request) := object.union(request, {"tenant": {"spec": {"network": {"scope": "Namespace"}}}})

_parameters(request, params) := object.union(request, {"params": params})

_policy := {"metadata": {"name": "p"}, "spec": {"egress": [{}]}}

test_network_policies_are_the_platforms_where_it_isolates if {
	every kind in ["NetworkPolicy", "CiliumNetworkPolicy"] {
		_denied(_isolated(_create(kind, _policy))) == {["network-policy", ""]}
		_denied(_isolated(_update(kind, _policy, _with(_policy, {"spec": {"egress": []}})))) == {["network-policy", ""]}
		_denied(_isolated(_update(kind, _policy, _with(_policy, {"metadata": {"labels": {"a": "b"}}, "status": {}})))) == set()
		_denied(_create(kind, _policy)) == set()
	}
	_denied(_isolated(_delete("NetworkPolicy", _policy))) == set()
	every user in _platform {
		_denied(_as(user, _isolated(_create("NetworkPolicy", _policy)))) == set()
	}
	_messages(_isolated(_create("NetworkPolicy", _policy))) == {concat("", [
		`user "alice" may not write a NetworkPolicy where the platform isolates tenant "a": policies add up, so that this one `,
		"could open what usher's close; ", _ask, " for one under the Tenant's spec.network.policies",
	])}
}

test_isolation_outlives_its_tenant if {
	request := object.union(
		object.remove(_create("NetworkPolicy", _policy), ["tenant"]),
		{"tenant": {"metadata": {"name": "a"}}},
	)
	_denied(request) == {["network-policy", ""]}
	_denied(object.remove(_create("NetworkPolicy", _policy), ["tenant"])) == set()
}

test_network_policies_may_be_allowed if {
	allow := {"tenant_network_policies": "allow"}
	_denied(_parameters(_isolated(_create("NetworkPolicy", _policy)), allow)) == set()

	# An unknown word loosens nothing.
	_denied(_parameters(_isolated(_create("NetworkPolicy", _policy)), {"tenant_network_policies": "yes"})) == {["network-policy", ""]}
	every name in ["default-deny-all", "allow-same-namespace", "allow-same-tenant", "allow-dns", "allow-external-egress", "allow-external-egress-2"] {
		named := _with(_policy, {"metadata": {"name": name}})
		_denied(_parameters(_isolated(_create("NetworkPolicy", named)), allow)) == {["reserved-name", "/metadata/name"]}
		_denied(_create("NetworkPolicy", named)) == set()
	}
	granted := object.union(_isolated(_create("NetworkPolicy", _policy)), {"tenant": {"spec": {"network": {"policies": {"p": {}}}}}})
	_denied(_parameters(granted, allow)) == {["reserved-name", "/metadata/name"]}
}

test_names_of_what_usher_makes_are_reserved if {
	every kind, names in {
		"ResourceQuota": ["a-quota", "a-share"],
		"LimitRange": ["a-limits"],
		"RoleBinding": ["a-admin-binding", "a-developer-binding"],
	} {
		every name in names {
			thing := {"metadata": {"name": name}}
			_denied(_create(kind, thing)) == {["reserved-name", "/metadata/name"]}
			_denied(_update(kind, thing, _with(thing, {"spec": {}}))) == set()
			_denied(object.remove(_create(kind, thing), ["tenant"])) == set()
			_denied(_as({"username": "root", "groups": ["system:masters"]}, _create(kind, thing))) == set()
		}
		_denied(_create(kind, {"metadata": {"name": "mine"}})) == set()
		_denied(_create(kind, {"metadata": {"generateName": "a-quota"}})) == set()
	}
	_messages(_create("LimitRange", {"metadata": {"name": "a-limits"}})) == {`LimitRange "a-limits" is what usher makes for tenant "a"; choose another name`}
}

_owners := {"tenant": {
	"spec": {
		"owners": [
			{"kind": "User", "name": "bob", "role": "Developer"},
			{"kind": "Group", "name": "vision", "role": "Admin"},
			{"kind": "ServiceAccount", "name": "ci", "namespace": "tools", "role": "Developer"},
		],
		"namespaces": ["n", "listed"],
	},
	"status": {"namespaces": [{"name": "adopted"}]},
}}

_binding(subjects) := {"metadata": {"name": "b"}, "roleRef": {"name": "edit"}, "subjects": subjects}

_bind(subject) := object.union(_create("RoleBinding", _binding([subject])), _owners)

test_the_tenants_own_may_be_bound[note] if {
	some note, subject in {
		"a user": {"kind": "User", "name": "bob"},
		"a group": {"kind": "Group", "name": "vision"},
		"a service account that is an owner": {"kind": "ServiceAccount", "name": "ci", "namespace": "tools"},
		"a service account of the namespace": {"kind": "ServiceAccount", "name": "x", "namespace": "n"},
		"a service account of a namespace of the tenant": {"kind": "ServiceAccount", "name": "x", "namespace": "listed"},
		"a service account of an adopted namespace": {"kind": "ServiceAccount", "name": "x", "namespace": "adopted"},
		"a service account as a user": {"kind": "User", "name": "system:serviceaccount:n:x"},
		"all service accounts of a namespace": {"kind": "Group", "name": "system:serviceaccounts:adopted"},
	}
	_denied(_bind(subject)) == set()
}

test_nobody_else_may_be_bound[note] if {
	some note, subject in {
		"a user": {"kind": "User", "name": "mallory"},
		"a user by a group's name": {"kind": "User", "name": "vision"},
		"a group by a user's name": {"kind": "Group", "name": "bob"},
		"everybody": {"kind": "Group", "name": "system:authenticated"},
		"all service accounts": {"kind": "Group", "name": "system:serviceaccounts"},
		"an owner's namesake elsewhere": {"kind": "ServiceAccount", "name": "ci", "namespace": "other"},
		"an owner's namesake without a namespace": {"kind": "ServiceAccount", "name": "ci"},
		"another's service account as a user": {"kind": "User", "name": "system:serviceaccount:other:x"},
		"another's service accounts": {"kind": "Group", "name": "system:serviceaccounts:other"},
		"a name of another type": {"kind": "User", "name": 7},
		"a group's name of another type": {"kind": "Group", "name": 7},
		"nothing": {},
		"another type": "bob",
	}
	_denied(_bind(subject)) == {["role-binding", "/subjects/0"]}
}

test_who_may_be_bound_is_said if {
	_messages(_bind({"kind": "User", "name": "mallory"})) == {concat("", [
		`user "alice" may not bind user "mallory": a namespace of tenant "a" is open to the tenant's owners and to service accounts of its namespaces; `,
		_ask, " to name it in the Tenant's spec.owners",
	])}
	every subject, described in {
		{"kind": "ServiceAccount", "name": "ci", "namespace": "other"}: `service account "ci" of namespace "other"`,
		{"kind": "Group", "name": "g"}: `group "g"`,
		{}: "somebody without kind and name",
	} {
		some message in _messages(_bind(subject))
		contains(message, sprintf("may not bind %s: ", [described]))
	}
}

test_the_platform_binds_anybody if {
	every user in _platform {
		_denied(_as(user, _bind({"kind": "User", "name": "mallory"}))) == set()
	}
	_denied(object.remove(_bind({"kind": "User", "name": "mallory"}), ["tenant"])) == set()
	_denied(_parameters(_bind({"kind": "User", "name": "mallory"}), {"tenant_role_bindings": "anybody"})) == set()
	bindable := {"bindable": {"users": ["system:serviceaccount:monitoring:p", "mallory"], "groups": ["support"]}}
	every subject in [
		{"kind": "User", "name": "mallory"},
		{"kind": "Group", "name": "support"},
		{"kind": "ServiceAccount", "name": "p", "namespace": "monitoring"},
	] {
		_denied(_parameters(_bind(subject), bindable)) == set()
	}
	_denied(_parameters(_bind({"kind": "User", "name": "support"}), bindable)) == {["role-binding", "/subjects/0"]}
}

test_only_new_subjects_are_judged if {
	mallory := {"kind": "User", "name": "mallory"}
	eve := {"kind": "User", "name": "eve"}
	request := object.union(_update("RoleBinding", _binding([mallory]), _binding([eve, mallory])), _owners)
	_denied(request) == {["role-binding", "/subjects/0"]}
	_denied(object.union(_update("RoleBinding", _binding([eve, mallory]), _binding([mallory])), _owners)) == set()
	_denied(_delete("RoleBinding", _binding([mallory]))) == set()
}

_service(ips) := {"metadata": {"name": "s"}, "spec": {"externalIPs": ips}}

test_external_ips_are_the_platforms if {
	_denied(_create("Service", _service(["1.1.1.1", "2.2.2.2"]))) == {["external-ip", "/spec/externalIPs/0"], ["external-ip", "/spec/externalIPs/1"]}
	_denied(_parameters(_create("Service", _service(["1.1.1.1", "2.2.2.2"])), {"external_ips": ["1.1.1.1"]})) == {["external-ip", "/spec/externalIPs/1"]}
	_denied(_update("Service", _service(["1.1.1.1"]), _service(["2.2.2.2", "1.1.1.1"]))) == {["external-ip", "/spec/externalIPs/0"]}
	_denied(_create("Service", {"spec": {"type": "LoadBalancer"}})) == set()
	_denied(object.remove(_create("Service", _service(["1.1.1.1"])), ["tenant"])) == set()
	every user in _platform {
		_denied(_as(user, _create("Service", _service(["1.1.1.1"])))) == set()
	}
	other := object.union(_create("Service", _service(["1.1.1.1"])), {"request": {"kind": {"group": "serving.knative.dev"}}})
	_denied(other) == set()
	_messages(_create("Service", _service(["1.1.1.1"]))) == {concat("", [
		`external IP "1.1.1.1" could catch traffic that is not the tenant's; leave it out and use type LoadBalancer, or `, _ask, " to allow the address",
	])}
}
