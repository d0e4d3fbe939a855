package usher.managed_objects_test

_of_tenant := {"metadata": {"name": "n", "labels": {"tenant": "a"}}}

_made := {"metadata": {"name": "n", "labels": object.union(_marks, {"usher.dev/made": "true"})}}

test_a_tenants_namespace_is_deleted_by_the_platform if {
	every namespace in [_of_tenant, _made] {
		_denied(_delete("Namespace", namespace)) == {["namespace-deletion", ""]}
		every user in _platform {
			_denied(_as(user, _delete("Namespace", namespace))) == set()
		}
	}
	_messages(_delete("Namespace", _of_tenant)) == {concat("", [
		`user "alice" may not delete namespace "n" of tenant "a"; delete what is in it, or `, _ask,
	])}
}

test_other_namespaces_are_left_to_rbac[note] if {
	some note, metadata in {
		"no labels": {},
		"no tenant": {"labels": {"tenant": ""}},
		"managed by something else": {"labels": {"app.kubernetes.io/managed-by": "Helm"}},
		"deleted already": {"labels": {"tenant": "a"}, "deletionTimestamp": "2026-01-01T00:00:00Z"},
	}
	_denied(_delete("Namespace", {"metadata": metadata})) == set()
}

test_the_tenant_label_is_the_configured_one if {
	request := _with(_delete("Namespace", {"metadata": {"labels": {"example.com/team": "a"}}}), {"config": {"tenant_label": "example.com/team"}})
	_denied(request) == {["namespace-deletion", ""]}
}

_gone := {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "name": "gone", "uid": "u"}

test_a_tenants_namespace_gets_no_owner if {
	every namespace in [_of_tenant, _made] {
		owned := _with(namespace, {"metadata": {"ownerReferences": [_gone]}})
		_denied(_update("Namespace", namespace, owned)) == {["namespace-owner", "/metadata/ownerReferences"]}
		_denied(_update("Namespace", owned, namespace)) == {["namespace-owner", "/metadata/ownerReferences"]}
		_denied(_update("Namespace", owned, owned)) == set()
	}
	plain := {"metadata": {"name": "n"}}
	_denied(_update("Namespace", plain, _with(plain, {"metadata": {"ownerReferences": [_gone]}}))) == set()
	_messages(_update("Namespace", _of_tenant, _with(_of_tenant, {"metadata": {"ownerReferences": [_gone]}}))) == {concat("", [
		`user "alice" may not change the owners of namespace "n" of tenant "a", with which it would be deleted; `, _ask,
	])}
}

_labelled(labels) := {"metadata": {"name": "n", "labels": labels}}

test_marks_of_namespaces_are_ushers[note] if {
	some note, case in {
		"made, taken away": [_made.metadata.labels, _marks, {"usher.dev~1made"}],
		"made, put on": [{}, {"usher.dev/made": "true"}, {"usher.dev~1made"}],
		"another tenant": [_marks, object.union(_marks, {"usher.dev/tenant": "b"}), {"usher.dev~1tenant"}],
		"all": [_made.metadata.labels, {}, {"usher.dev~1made", "usher.dev~1tenant", "app.kubernetes.io~1managed-by"}],
		"managed by, taken away": [_marks, {"usher.dev/tenant": "a"}, {"app.kubernetes.io~1managed-by"}],
		"managed by, put on": [{}, {"app.kubernetes.io/managed-by": "usher"}, {"app.kubernetes.io~1managed-by"}],
		"managed by something else, put on": [{}, {"app.kubernetes.io/managed-by": "Helm"}, set()],
		"labels of the tenant's own": [_marks, object.union(_marks, {"team": "x"}), set()],
	}
	[old, new, marks] := case
	_denied(_update("Namespace", _labelled(old), _labelled(new))) == {["namespace-label", sprintf("/metadata/labels/%s", [mark])] | some mark in marks}
}

test_namespaces_are_not_made_with_ushers_marks if {
	_denied(_create("Namespace", _made)) == {["namespace-label", sprintf("/metadata/labels/%s", [mark])] |
		some mark in ["usher.dev~1made", "usher.dev~1tenant", "app.kubernetes.io~1managed-by"]
	}
	_denied(_create("Namespace", {"metadata": {"name": "n"}})) == set()
	_denied(_as({"username": "root", "groups": ["system:masters"]}, _create("Namespace", _made))) == set()
	_messages(_create("Namespace", _labelled({"usher.dev/made": "true"}))) == {concat("", [
		`user "alice" may not set or remove label "usher.dev/made", by which usher knows what it made; leave it as it is, or `, _ask,
	])}
}
