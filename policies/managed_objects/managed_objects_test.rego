package usher.managed_objects_test

import data.usher.managed_objects

_alice := {"username": "alice", "groups": ["system:authenticated"]}

_platform := {
	{"username": "root", "groups": ["system:masters", "system:authenticated"]},
	{"username": "system:serviceaccount:usher-system:usher-controller"},
	{"username": "system:apiserver"},
	{"username": "system:serviceaccount:kube-system:namespace-controller"},
}

_params := {
	"platform": {
		"users": ["system:serviceaccount:usher-system:usher-controller"],
		"groups": ["system:masters"],
	},
	"cluster_controllers": {
		"users": ["system:apiserver", "system:serviceaccount:kube-system:namespace-controller"],
		"groups": [],
	},
	"tenant_network_policies": "deny",
	"tenant_role_bindings": "owners",
	"bindable": {"users": [], "groups": []},
	"external_ips": [],
}

_ask := "ask the platform team (user system:serviceaccount:usher-system:usher-controller, group system:masters)"

_groups := {
	"CiliumNetworkPolicy": "cilium.io",
	"LimitRange": "",
	"Namespace": "",
	"NetworkPolicy": "networking.k8s.io",
	"ResourceQuota": "",
	"Role": "rbac.authorization.k8s.io",
	"RoleBinding": "rbac.authorization.k8s.io",
	"Service": "",
}

_managed_kinds := {"LimitRange", "NetworkPolicy", "ResourceQuota", "Role", "RoleBinding"}

_marks := {"app.kubernetes.io/managed-by": "usher", "usher.dev/tenant": "a"}

_request(kind, operation, fields) := {
	"params": _params,
	"namespace": {"metadata": {"name": "n", "labels": {"tenant": "a"}}},
	"tenant": {"kind": "Tenant", "metadata": {"name": "a"}, "spec": {}},
	"request": object.union(
		{
			"kind": {"group": _groups[kind], "kind": kind, "version": "v1"},
			"operation": operation,
			"name": "x",
			"namespace": "n",
			"userInfo": _alice,
		},
		fields,
	),
}

_create(kind, thing) := _request(kind, "CREATE", {"object": thing})

_update(kind, old, new) := _request(kind, "UPDATE", {"object": new, "oldObject": old})

_delete(kind, old) := _request(kind, "DELETE", {"oldObject": old})

_managed := {"metadata": {"name": "x", "labels": _marks}, "spec": {"a": 1, "b": 2}}

_with(thing, fields) := object.union(thing, fields)

_denied(request) := {[v.check, object.get(v, "path", "")] | some v in managed_objects.deny with input as request}

_messages(request) := {v.msg | some v in managed_objects.deny with input as request}

_as(user, request) := object.union(object.remove(request, ["request"]), {"request": object.union(
	object.remove(request.request, ["userInfo"]),
	{"userInfo": user},
)})

test_nobody_of_a_tenant_changes_what_is_managed if {
	every kind in _managed_kinds {
		_denied(_update(kind, _managed, _with(_managed, {"spec": {"a": 2}}))) == {["managed-object", "/spec/a"]}
		_denied(_delete(kind, _managed)) == {["managed-object", ""]}
		_denied(_create(kind, _managed)) == {["managed-object", "/metadata/labels/usher.dev~1tenant"]}
	}
}

test_the_platform_does if {
	every kind in _managed_kinds {
		every user in _platform {
			_denied(_as(user, _update(kind, _managed, _with(_managed, {"spec": {"a": 2}})))) == set()
			_denied(_as(user, _delete(kind, _managed))) == set()
			_denied(_as(user, _create(kind, _managed))) == set()
		}
	}
}

test_without_parameters_nobody_is_the_platform if {
	every user in _platform {
		request := _as(user, _delete("Role", _managed))
		denied := managed_objects.deny with input as object.union(object.remove(request, ["params"]), {"params": {}})
		{v.check | some v in denied} == {"managed-object"}
	}
}

test_what_is_not_managed_is_the_tenants[note] if {
	some note, labels in {
		"no labels": {},
		"managed by something else": {"app.kubernetes.io/managed-by": "Helm", "usher.dev/tenant": "a"},
		"of no tenant": {"app.kubernetes.io/managed-by": "usher"},
		"a label of another type": {"app.kubernetes.io/managed-by": "usher", "usher.dev/tenant": 7},
		"labels of another type": "usher",
	}
	thing := {"metadata": {"name": "y", "labels": labels}, "spec": {"a": 1}}
	every kind in _managed_kinds {
		_denied(_create(kind, thing)) == set()
		_denied(_update(kind, thing, _with(thing, {"spec": {"a": 2}}))) == set()
		_denied(_delete(kind, thing)) == set()
	}
}

test_every_part_of_a_managed_object_is_kept[note] if {
	some note, case in {
		"a label more": {{"metadata": {"labels": {"team": "x"}}}, {"/metadata/labels/team"}},
		"a mark that changes": {{"metadata": {"labels": {"usher.dev/tenant": "b"}}}, {"/metadata/labels/usher.dev~1tenant"}},
		"an annotation": {{"metadata": {"annotations": {"a": "b"}}}, {"/metadata/annotations"}},
		"an owner": {{"metadata": {"ownerReferences": [{"kind": "Pod"}]}}, {"/metadata/ownerReferences"}},
		"a finalizer": {{"metadata": {"finalizers": ["f"]}}, {"/metadata/finalizers/0"}},
		"an owner of fields": {{"metadata": {"managedFields": [{"manager": "k"}]}}, {"/metadata/managedFields"}},
		"an owner of fields of another type": {{"metadata": {"managedFields": ["k"]}}, {"/metadata/managedFields"}},
		"the status": {{"status": {"used": {}}}, {"/status"}},
		"a list": {{"subjects": [{"kind": "User"}]}, {"/subjects"}},
		"two fields": {{"spec": {"a": 3, "c/d": 4}}, {"/spec/a", "/spec/c~1d"}},
	}
	some change in case
	is_object(change)
	some paths in case
	is_set(paths)
	_denied(_update("ResourceQuota", _managed, _with(_managed, change))) == {["managed-object", path] | some path in paths}
}

test_marks_are_not_taken_away if {
	every labels in [{}, {"usher.dev/tenant": "a"}, {"app.kubernetes.io/managed-by": "usher"}] {
		stripped := {"metadata": {"name": "x", "labels": labels}, "spec": {"a": 1, "b": 2}}
		{check | some [check, _] in _denied(_update("NetworkPolicy", _managed, stripped))} == {"managed-object"}
	}
	_denied(_update("NetworkPolicy", _managed, {"metadata": null, "spec": {"a": 1, "b": 2}})) == {
		["managed-object", "/metadata/labels/app.kubernetes.io~1managed-by"],
		["managed-object", "/metadata/labels/usher.dev~1tenant"],
	}
}

test_marks_are_not_put_on if {
	plain := {"metadata": {"name": "x"}, "spec": {"a": 1, "b": 2}}
	_denied(_update("Role", plain, _managed)) == {["managed-object", "/metadata/labels/usher.dev~1tenant"]}
}

test_what_changes_nothing_passes[note] if {
	some note, case in {
		"nothing": {"old": {}, "new": {}},
		"the version": {"old": {"resourceVersion": "1"}, "new": {"resourceVersion": "2"}},
		"fewer finalizers": {"old": {"finalizers": ["a", "b"]}, "new": {"finalizers": ["b"]}},
		"no finalizers, and whose they were": {
			"old": {"finalizers": ["a"], "managedFields": [{"manager": "k", "fieldsV1": {"f:metadata": {}}}]},
			"new": {"managedFields": [{"manager": "k", "fieldsV1": {}}]},
		},
		"the time of an owner of fields": {
			"old": {"managedFields": [{"manager": "k", "time": "1"}]},
			"new": {"managedFields": [{"manager": "k", "time": "2"}]},
		},
		"an owner of fields less": {"old": {"managedFields": [{"manager": "k"}]}, "new": {"managedFields": []}},
	}
	old := _with(_managed, {"metadata": case.old})
	new := _with(_managed, {"metadata": case.new})
	_denied(_update("LimitRange", old, new)) == set()
}

test_metadata_of_what_is_being_deleted_may_change if {
	old := _with(_managed, {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}})
	_denied(_update("Role", old, _with(old, {"metadata": {"labels": {"a": "b"}, "annotations": {"a": "b"}}}))) == set()
	_denied(_update("Role", old, _with(old, {"spec": {"a": 2}}))) == {["managed-object", "/spec/a"]}

	# Only what was being deleted before counts.
	_denied(_update("Role", _managed, _with(old, {"metadata": {"labels": {"a": "b"}}}))) == {["managed-object", "/metadata/labels/a"]}
}

test_all_goes_with_its_namespace if {
	request := _with(_delete("ResourceQuota", _managed), {"namespace": {"metadata": {"deletionTimestamp": "2026-01-01T00:00:00Z"}}})
	_denied(request) == set()
}

# As the API server asks about each object of a collection that is deleted.
test_requests_without_a_name_are_judged if {
	every kind in _managed_kinds {
		nameless := object.remove(_delete(kind, _managed).request, ["name"])
		request := object.union(object.remove(_delete(kind, _managed), ["request"]), {"request": nameless})
		_denied(request) == {["managed-object", ""]}
		_messages(request) == _messages(_delete(kind, _managed))
	}
	_denied(_delete("Role", {"metadata": {"labels": _marks}})) == {["managed-object", ""]}
}

test_messages_say_who_may if {
	_messages(_delete("ResourceQuota", _managed)) == {concat("", [
		`user "alice" may not delete ResourceQuota "x", which usher manages for tenant "a"; `, _ask, " to change the Tenant",
	])}
	_messages(_update("Role", _managed, _with(_managed, {"spec": {"a": 2}}))) == {concat("", [
		`user "alice" may not change Role "x", which usher manages for tenant "a"; `, _ask, " to change the Tenant",
	])}
	_messages(_create("LimitRange", _managed)) == {concat("", [
		`user "alice" may not make a LimitRange that is labelled as one that usher manages; leave out label "usher.dev/tenant", or `,
		_ask,
	])}
}

test_other_kinds_are_not_judged if {
	every kind in ["ConfigMap", "Pod", "Tenant"] {
		request := _with(_delete("Role", _managed), {"request": {"kind": {"kind": kind}}})
		_denied(request) == set()
	}
}
