package usher.tenant_isolation_test

import data.usher.tenant_isolation

_with_metadata(metadata) := object.union(_hard({}), {"pod": {"metadata": metadata}})

_template_with_metadata(metadata) := object.union(_template(_hard_tenant, {}), {"pod": {"metadata": metadata}})

_update_of_metadata(old, new) := object.union(
	_update(_hard_tenant, {}, {}),
	{"pod": {"metadata": new}, "old_pod": {"metadata": old}},
)

test_labels_and_annotations_of_usher_are_refused if {
	tenant_isolation.deny == {
		{
			"check": "usher-metadata",
			"msg": `"usher.dev/quota" is written by usher alone; leave it out`,
			"path": "/metadata/annotations/usher.dev~1quota",
		},
		{
			"check": "usher-metadata",
			"msg": `"usher.dev/gpu-topology" is written by usher alone; leave it out`,
			"path": "/metadata/labels/usher.dev~1gpu-topology",
		},
	} with input as _with_metadata({
		"annotations": {"usher.dev/quota": "0"},
		"labels": {"usher.dev/gpu-topology": "nvlink"},
	})
}

test_metadata_that_users_may_set[note] if {
	some note, metadata in {
		"GPU links": {"annotations": {"usher.dev/gpu-topology": "nvlink"}},
		"their own": {"labels": {"app": "web", "example.com/usher.dev": "x"}, "annotations": {"usher.dev": "x"}},
		"none": {"labels": null, "annotations": null},
		"another type, which Kubernetes refuses": {"labels": "usher.dev/x", "annotations": 7},
		"a reservation, which is written over": {"labels": {"usher.dev/reservation": "forged"}},
	}
	tenant_isolation.deny == set() with input as _with_metadata(metadata)
}

test_reservation_does_not_belong_in_templates if {
	denied := tenant_isolation.deny with input as _template_with_metadata({"labels": {"usher.dev/reservation": "forged"}})
	_checks(denied) == {"usher-metadata"}
}

test_namespaces_without_a_tenant_are_judged_too[label] if {
	some label in ["usher.dev/x", "usher.dev/reservation"]
	request := object.union(_tenantless({}), {"pod": {"metadata": {"labels": {label: "y"}}}})
	denied := tenant_isolation.deny with input as request
	_checks(denied) == {"usher-metadata"}
}

test_update_that_keeps_the_reservation_passes if {
	tenant_isolation.deny == set() with input as _update_of_metadata(
		{"labels": {"usher.dev/reservation": "r1"}},
		{"labels": {"usher.dev/reservation": "r1", "app": "web"}},
	)
}

test_update_may_not_touch_what_usher_wrote[note] if {
	some note, new in {
		"changed": {"labels": {"usher.dev/reservation": "r2"}},
		"removed": {"labels": {}},
		"all labels removed": {},
		"replaced by another type": {"labels": "none"},
	}
	denied := tenant_isolation.deny with input as _update_of_metadata({"labels": {"usher.dev/reservation": "r1"}}, new)
	[_checks(denied), _paths(denied)] == [{"usher-metadata"}, {"/metadata/labels/usher.dev~1reservation"}]
}

test_annotations_of_usher_are_kept_like_labels if {
	denied := tenant_isolation.deny with input as _update_of_metadata({"annotations": {"usher.dev/quota": "0"}}, {})
	_paths(denied) == {"/metadata/annotations/usher.dev~1quota"}
}

test_removal_as_the_message_tells_it if {
	tenant_isolation.deny == {{
		"check": "usher-metadata",
		"msg": `"usher.dev/reservation=r1" is written by usher and may not be removed; keep it`,
		"path": "/metadata/labels/usher.dev~1reservation",
	}} with input as _update_of_metadata({"labels": {"usher.dev/reservation": "r1"}}, {})
}

test_users_may_withdraw_a_wish_for_links if {
	tenant_isolation.deny == set() with input as _update_of_metadata(
		{"annotations": {"usher.dev/gpu-topology": "nvlink"}},
		{"annotations": {}},
	)
}

test_controller_may_update_what_usher_wrote[note] if {
	some note, new in {"changed": {"labels": {"usher.dev/reservation": "r2"}}, "removed": {}}
	tenant_isolation.deny == set() with input as _update_of_metadata({"labels": {"usher.dev/reservation": "r1"}}, new)
		with input.request.userInfo.username as "system:serviceaccount:usher-system:usher-controller"
}
