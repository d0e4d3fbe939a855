package usher.tenant_isolation_test

import data.usher.tenant_isolation

_namespace_kind := {"group": "", "kind": "Namespace", "version": "v1"}

_namespace(metadata) := {"metadata": object.union({"name": "apps"}, metadata)}

_create_namespace(metadata) := object.union(
	_request(_namespace_kind, "CREATE"),
	{"request": {"object": _namespace(metadata), "oldObject": null}},
)

_update_namespace(old, new) := object.union(
	_request(_namespace_kind, "UPDATE"),
	{"request": {"object": _namespace(new), "oldObject": _namespace(old)}},
)

_ask := "ask the platform team (user system:serviceaccount:usher-system:usher-controller, group system:masters)"

test_users_may_not_move_a_namespace_to_another_tenant if {
	tenant_isolation.deny == {{
		"check": "tenant-label",
		"msg": concat("", [`user "alice" may not change label "tenant" from "tenant-a" to "tenant-b"; `, _ask]),
		"path": "/metadata/labels/tenant",
	}} with input as _update_namespace({"labels": {"tenant": "tenant-a"}}, {"labels": {"tenant": "tenant-b"}})
}

test_tenant_label_is_the_platforms[note] if {
	some note, request in {
		"created with": _create_namespace({"labels": {"tenant": "tenant-a"}}),
		"added": _update_namespace({}, {"labels": {"tenant": "tenant-a"}}),
		"removed": _update_namespace({"labels": {"tenant": "tenant-a"}}, {"labels": {}}),
		"all labels removed": _update_namespace({"labels": {"tenant": "tenant-a"}}, {}),
		"emptied": _update_namespace({"labels": {"tenant": "tenant-a"}}, {"labels": {"tenant": ""}}),
		"of another type": _create_namespace({"labels": {"tenant": 7}}),
		"labels of another type": _create_namespace({"labels": "tenant"}),
	}
	denied := tenant_isolation.deny with input as request
	_checks(denied) == {"tenant-label"}
}

test_subresources_of_namespaces_are_judged[note] if {
	some note in ["finalize", "status"]
	request := object.union(
		_update_namespace({}, {"labels": {"tenant": "tenant-a"}}),
		{"request": {"subResource": note, "resource": {"group": "", "resource": "namespaces", "version": "v1"}}},
	)
	denied := tenant_isolation.deny with input as request
	_checks(denied) == {"tenant-label"}
}

test_configured_tenant_label_is_judged if {
	denied := tenant_isolation.deny with input as _create_namespace({"labels": {"example.com/team": "a"}})
		with input.config.tenant_label as "example.com/team"
	_paths(denied) == {"/metadata/labels/example.com~1team"}
}

test_changes_that_anybody_may_make[note] if {
	some note, request in {
		"a namespace without labels": _create_namespace({}),
		"a namespace of no tenant": _create_namespace({
			"labels": {"team": "x", "pod-security.kubernetes.io/enforce": "privileged"},
			"annotations": {"scheduler.alpha.kubernetes.io/node-selector": "disk=ssd"},
		}),
		"other labels of a tenant's namespace": _update_namespace(
			{"labels": {"tenant": "tenant-a"}},
			{"labels": {"tenant": "tenant-a", "stage": "test"}},
		),
		"nothing": _update_namespace({"labels": {"tenant": "tenant-a"}}, {"labels": {"tenant": "tenant-a"}}),
		"labels unset": _update_namespace({"labels": null}, {"labels": {}}),
	}
	tenant_isolation.deny == set() with input as request
}

test_deletion_is_not_judged if {
	tenant_isolation.deny == set() with input as object.union(
		_request(_namespace_kind, "DELETE"),
		{"request": {"object": null, "oldObject": _namespace({"labels": {"tenant": "tenant-a"}})}},
	)
}

test_policy_labels_are_the_platforms_in_every_namespace if {
	tenant_isolation.deny == {{
		"check": "policy-label",
		"msg": concat("", [`user "alice" may not change label "policy.usher.dev/gpu_quota" from unset to "off"; `, _ask]),
		"path": "/metadata/labels/policy.usher.dev~1gpu_quota",
	}} with input as _create_namespace({"labels": {"policy.usher.dev/gpu_quota": "off"}})
}

test_pod_security_labels_of_tenants_are_the_platforms[note] if {
	some note, request in {
		"loosened": _update_namespace(
			{"labels": {"tenant": "tenant-a", "pod-security.kubernetes.io/enforce": "baseline"}},
			{"labels": {"tenant": "tenant-a", "pod-security.kubernetes.io/enforce": "privileged"}},
		),
		"removed": _update_namespace(
			{"labels": {"tenant": "tenant-a", "pod-security.kubernetes.io/enforce": "baseline"}},
			{"labels": {"tenant": "tenant-a"}},
		),
	}
	denied := tenant_isolation.deny with input as request
	[_checks(denied), _paths(denied)] == [
		{"pod-security-label"},
		{"/metadata/labels/pod-security.kubernetes.io~1enforce"},
	]
}

test_namespace_that_leaves_its_tenant_is_judged_as_the_tenants if {
	denied := tenant_isolation.deny with input as _update_namespace(
		{"labels": {"tenant": "tenant-a"}},
		{"labels": {"pod-security.kubernetes.io/enforce": "privileged"}},
	)
	_checks(denied) == {"pod-security-label", "tenant-label"}
}

test_scheduling_annotations_of_tenants_are_the_platforms[note] if {
	some note in ["node-selector", "defaultTolerations", "tolerationsWhitelist"]
	key := sprintf("scheduler.alpha.kubernetes.io/%s", [note])
	tenant_isolation.deny == {{
		"check": "scheduling-annotation",
		"msg": sprintf(`user "alice" may not change annotation "%s" from unset to "x"; %s`, [key, _ask]),
		"path": sprintf("/metadata/annotations/scheduler.alpha.kubernetes.io~1%s", [note]),
	}} with input as _update_namespace(
		{"labels": {"tenant": "tenant-a"}},
		{"labels": {"tenant": "tenant-a"}, "annotations": {key: "x"}},
	)
}

test_scheduling_annotation_that_stays_passes if {
	tenant_isolation.deny == set() with input as _update_namespace(_everything, _everything)
}

test_annotations_of_another_type_are_refused if {
	denied := tenant_isolation.deny with input as _create_namespace({"annotations": []})
	_paths(denied) == {"/metadata/annotations"}
}

_everything := {
	"annotations": {"scheduler.alpha.kubernetes.io/node-selector": "tenant=tenant-a"},
	"labels": {
		"policy.usher.dev/gpu_quota": "audit",
		"pod-security.kubernetes.io/enforce": "restricted",
		"tenant": "tenant-a",
	},
}

test_platform_team_may_change_all[note] if {
	some note, user in {
		"the controller": {"username": "system:serviceaccount:usher-system:usher-controller"},
		"administrators": {"username": "root", "groups": ["system:masters"]},
	}
	tenant_isolation.deny == set() with input as _create_namespace(_everything) with input.request.userInfo as user
	tenant_isolation.deny == set() with input as _update_namespace(_everything, {}) with input.request.userInfo as user
}

test_without_parameters_nobody_may if {
	denied := tenant_isolation.deny with input as _create_namespace({"labels": {"tenant": "tenant-a"}})
		with input.params as {}
	_checks(denied) == {"tenant-label"}
}
