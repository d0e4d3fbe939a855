package usher.gpu_quota_test

import data.usher.gpu_quota

extended := {"resource.kubernetes.io/extended-resource-claim": "true"}

bearing(metadata) := {
	"request": {
		"operation": "CREATE",
		"kind": {"group": "resource.k8s.io", "kind": "ResourceClaim"},
		"userInfo": {"username": "alice"},
		"object": {"metadata": metadata, "spec": {"devices": {"requests": []}}},
	},
	"tenant": tenant({"deviceClasses": ["a"]}), "params": defaults,
}

by(user, request) := object.union(request, {"request": {"userInfo": {"username": user}}})

changed(before, after) := object.union(bearing(after), {"request": {
	"operation": "UPDATE",
	"oldObject": {"metadata": before, "spec": {"devices": {"requests": []}}},
}})

handing_on(metadata) := {
	"request": {
		"operation": "CREATE",
		"kind": {"group": "resource.k8s.io", "kind": "ResourceClaimTemplate"},
		"userInfo": {"username": "alice"},
		"object": {"metadata": {}, "spec": {"metadata": metadata, "spec": {"devices": {"requests": []}}}},
	},
	"tenant": tenant({"deviceClasses": ["a"]}), "params": defaults,
}

test_only_schedulers_say_that_a_claim_is_charged_with_its_pod if {
	path := "/metadata/annotations/resource.kubernetes.io~1extended-resource-claim"
	findings == {["claim-metadata", path]} with input as bearing({"annotations": extended})
	findings == set() with input as by("system:kube-scheduler", bearing({"annotations": extended}))
	findings == {["claim-metadata", path]} with input as changed({}, {"annotations": extended})
	findings == {["claim-metadata", path]} with input as changed(
		{"annotations": {"resource.kubernetes.io/extended-resource-claim": ""}},
		{"annotations": extended},
	)
	findings == set() with input as changed({"annotations": extended}, {"annotations": extended, "labels": {"a": "b"}})
	findings == {["claim-metadata", concat("", ["/spec", path])]} with input as handing_on({"annotations": extended})
}

test_the_reservation_of_a_claim_stays if {
	path := "/metadata/labels/usher.dev~1reservation"
	mine := {"labels": {"usher.dev/reservation": "mine"}}
	findings == set() with input as bearing(mine)
	findings == set() with input as changed(mine, object.union(mine, {"labels": {"a": "b"}}))
	every after in [{}, {"labels": {}}, {"labels": null}, {"labels": {"usher.dev/reservation": "other"}}] {
		findings == {["claim-metadata", path]} with input as changed(mine, after)
	}
	findings == {["claim-metadata", path]} with input as changed({}, mine)
	findings == {["claim-metadata", path]} with input as by("system:kube-scheduler", changed({}, mine))
}

test_nobody_writes_what_usher_may_come_to_believe if {
	every field in ["annotations", "labels"] {
		odd := {field: {"usher.dev/x": "y"}}
		path := sprintf("/metadata/%s/usher.dev~1x", [field])
		findings == {["claim-metadata", path]} with input as bearing(odd)
		findings == {["claim-metadata", path]} with input as by("system:kube-scheduler", bearing(odd))
		findings == {["claim-metadata", concat("", ["/spec", path])]} with input as handing_on(odd)
		findings == {["claim-metadata", path]} with input as changed({}, odd)
		findings == {["claim-metadata", path]} with input as changed({field: {"usher.dev/x": "z"}}, odd)
		findings == set() with input as changed(odd, odd)
		findings == set() with input as changed(odd, {})
		findings == set() with input as bearing({field: "usher.dev/x"})
	}
	findings == set() with input as bearing({"annotations": {"usher.dev/gpu-topology": "nvlink", "usher.devices/x": "y"}})
}

test_claims_of_other_groups_may_bear_anything if {
	other := object.union(bearing({"annotations": extended}), {"request": {"kind": {"group": "example.com"}}})
	gpu_quota.deny == set() with input as other
}
