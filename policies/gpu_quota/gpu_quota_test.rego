package usher.gpu_quota_test

import data.usher.gpu_quota

defaults := {
	"untenanted": "deny",
	"gpu_resources": ["nvidia.com/*", "amd.com/gpu*", "gpu.intel.com/*", "habana.ai/*", "*gpu*"],
	"gpu_device_classes": ["*"],
	"weights": {},
	"mig_slices": 7,
	"shared_replicas": 1,
	"max_pod_claims": 1,
	"max_all_devices": null,
	"claim_writers": {"users": ["system:kube-scheduler"], "groups": []},
}

params(overrides) := {name: object.get(overrides, name, value) | some name, value in defaults}

tenant(gpu) := {"kind": "Tenant", "metadata": {"name": "acme"}, "spec": {"gpu": gpu}}

pod(spec, gpu) := {
	"pod": {"path": "", "spec": spec}, "request": {"operation": "CREATE"},
	"tenant": tenant(gpu), "params": defaults,
}

one(resources) := {"containers": [{"resources": resources}]}

limits(amounts) := one({"limits": amounts})

claim(requests, gpu) := {
	"request": {
		"operation": "CREATE",
		"kind": {"group": "resource.k8s.io", "kind": "ResourceClaim"},
		"userInfo": {"username": "alice"},
		"object": {"spec": {"devices": {"requests": requests}}},
	},
	"tenant": tenant(gpu), "params": defaults,
}

findings := {[finding.check, finding.path] | some finding in gpu_quota.deny}

checks := {finding.check | some finding in gpu_quota.deny}

test_what_grants_nothing if {
	asking := pod(limits({"nvidia.com/gpu": "1"}), null)
	every odd in [
		{"metadata": {"name": "acme"}}, {"metadata": {"name": "acme"}, "spec": {}}, tenant(null), tenant([]), tenant("all"), {},
	] {
		checks == {"not-granted"} with input as object.union(object.remove(asking, ["tenant"]), {"tenant": odd})
	}
	untenanted := object.remove(asking, ["tenant"])
	checks == {"untenanted"} with input as untenanted
	every odd in ["Allow", "", null, true, ["allow"]] {
		checks == {"untenanted"} with input as object.union(object.remove(untenanted, ["params"]), {"params": params({"untenanted": odd})})
	}
	checks == set() with input as object.union(object.remove(untenanted, ["params"]), {"params": params({"untenanted": "allow"})})
}

test_form_is_asked_even_where_gpus_are_free if {
	free := object.union(object.remove(pod(one({"requests": {"nvidia.com/gpu": "1.5"}}), null), ["tenant", "params"]), {"params": params({"untenanted": "allow"})})
	checks == {"limit-required", "whole-number"} with input as free
}

test_an_empty_grant_is_whole_gpus_without_limit if {
	checks == set() with input as pod(limits({"nvidia.com/gpu": "64"}), {})
	checks == {"resource"} with input as pod(limits({"nvidia.com/mig-1g.5gb": "1"}), {"resources": []})
}

test_wildcards_of_granted_resources if {
	checks == set() with input as pod(limits({"nvidia.com/mig-1g.5gb": "1", "nvidia.com/gpu": "1"}), {"resources": ["nvidia.com/*"]})
	checks == {"resource"} with input as pod(limits({"nvidia.com/mig-1g.5gb": "1"}), {"resources": ["nvidia.com/mig-2*", 7]})
}

test_bounds_that_cannot_be_read_are_zero if {
	every odd in ["many", true, {}, ["4"]] {
		checks == {"per-pod"} with input as pod(limits({"nvidia.com/gpu": "1"}), {"perPod": odd})
		checks == {"per-container"} with input as pod(limits({"nvidia.com/gpu": "1"}), {"perContainer": odd})
	}
	checks == set() with input as pod(limits({"nvidia.com/gpu": "1"}), {"perPod": null, "perContainer": null})
}

test_containers_are_asked_one_by_one_and_together if {
	two := {"initContainers": [{"restartPolicy": "Always", "resources": {"limits": {"nvidia.com/gpu": 2}}}], "containers": [
		{"resources": {"limits": {"nvidia.com/gpu": 2, "nvidia.com/mig-1g.5gb": 1}}},
		{"resources": {"limits": {"nvidia.com/gpu": 2}}},
	]}
	found := findings with input as pod(two, {"perContainer": 2, "perPod": 6, "resources": ["*"]})
	found == {["per-container", "/spec/containers/0/resources"], ["per-pod", "/spec/initContainers/0/resources/limits/nvidia.com~1gpu"]}
}

# A request above its limit counts as much as a limit: nobody gets past by either.
test_the_greater_amount_counts if {
	found := checks with input as pod(one({"requests": {"nvidia.com/gpu": "8"}, "limits": {"nvidia.com/gpu": "1"}}), {"perPod": "4"})
	found == {"request-equals-limit", "per-pod"}
}

test_huge_amounts if {
	every amount in ["1E", "99999999999999999999", "1e99", 1e30, "0.000000001"] {
		"per-pod" in checks with input as pod(limits({"nvidia.com/gpu": amount}), {"perPod": "0"})
	}
}

test_amounts_that_are_no_quantities if {
	every odd in ["one", "", true, null, [], {"a": 1}, "-1", -1, "1e1000"] {
		found := findings with input as pod(limits({"nvidia.com/gpu": odd}), {})
		found == {["quantity", "/spec/containers/0/resources/limits/nvidia.com~1gpu"]}
	}
}

test_nothing_is_asked_for if {
	every amount in ["0", 0, "0m", "0.0"] {
		checks == set() with input as pod(one({"limits": {"amd.com/gpu": amount}, "requests": {"amd.com/gpu": "0"}}), null)
	}
	checks == {"not-granted", "request-equals-limit"} with input as pod(one({"limits": {"amd.com/gpu": "1"}, "requests": {"amd.com/gpu": "0"}}), null)
}

test_odd_shapes_deny if {
	every spec in [
		{"containers": "x"}, {"containers": {"a": limits({"nvidia.com/gpu": 1})}}, {"containers": [7]}, {"ephemeralContainers": 7},
		{"containers": [{"resources": "x"}]}, {"containers": [{"resources": {"limits": ["nvidia.com/gpu"]}}]},
		{"resourceClaims": "x"}, {"resourceClaims": {"a": {"resourceClaimName": "b"}}}, "x", null,
	] {
		"shape" in checks with input as pod(spec, {"deviceClasses": ["a"]})
	}
}

claims(number) := [{"name": "a", "resourceClaimName": "b"} | some _ in numbers.range(1, number)]

test_claims_of_a_pod if {
	bounded := {"perPod": "4", "deviceClasses": ["a"]}
	checks == set() with input as pod({"resourceClaims": claims(1)}, bounded)
	checks == {"pod-claims"} with input as pod({"resourceClaims": claims(2)}, bounded)
	checks == {"pod-claims"} with input as pod({"resourceClaims": claims(2)}, {"perContainer": "1", "deviceClasses": ["a"]})
	checks == set() with input as pod({"resourceClaims": claims(9)}, {"deviceClasses": ["a"]})
	checks == set() with input as object.union(
		object.remove(pod({"resourceClaims": claims(2)}, bounded), ["params"]),
		{"params": params({"max_pod_claims": 2})},
	)
	every odd in [null, "x", -1, {}] {
		checks == {"pod-claims"} with input as object.union(
			object.remove(pod({"resourceClaims": claims(1)}, bounded), ["params"]),
			{"params": params({"max_pod_claims": odd})},
		)
	}
}

test_odd_claims_of_a_pod if {
	every entry in [7, null, {}, {"resourceClaimName": ""}, {"resourceClaimName": null}, {"resourceClaimName": "a", "resourceClaimTemplateName": "b"}] {
		checks == {"claim-source"} with input as pod({"resourceClaims": [entry]}, {"deviceClasses": ["a"]})
	}
}

test_claims_of_a_pod_that_need_a_grant if {
	with_claim := {"resourceClaims": [{"name": "a", "resourceClaimName": "b"}]}
	checks == {"not-granted"} with input as pod(with_claim, null)
	checks == {"device-class"} with input as pod(with_claim, {})
	checks == {"device-class"} with input as pod(with_claim, {"deviceClasses": [7]})
	checks == {"untenanted"} with input as object.remove(pod(with_claim, null), ["tenant"])
	not_all_are_gpus := params({"gpu_device_classes": ["gpu.*"]})
	checks == set() with input as object.union(object.remove(pod(with_claim, null), ["params"]), {"params": not_all_are_gpus})
}

test_device_classes if {
	grant := {"deviceClasses": ["a"]}
	checks == set() with input as claim([{"exactly": {"deviceClassName": "a"}}], grant)
	every odd in ["b", "", "A", "a*", 7, null, ["a"], true] {
		found := findings with input as claim([{"exactly": {"deviceClassName": odd}}], grant)
		found == {["device-class", "/spec/devices/requests/0/exactly/deviceClassName"]}
	}
	checks == {"device-class"} with input as claim([{"exactly": {}}], grant)
	checks == {"device-class"} with input as claim([{"name": "nothing"}], grant)
	checks == set() with input as claim([], grant)
}

test_every_request_and_alternative_is_asked if {
	found := findings with input as claim(
		[
			{"exactly": {"deviceClassName": "a"}},
			{"firstAvailable": [{"deviceClassName": "a"}, {"deviceClassName": "b"}, {"deviceClassName": "c"}]},
			{"deviceClassName": "d"},
			{"exactly": {"deviceClassName": "a"}},
		],
		{"deviceClasses": ["a"]},
	)
	found == {
		["device-class", "/spec/devices/requests/1/firstAvailable/1/deviceClassName"],
		["device-class", "/spec/devices/requests/1/firstAvailable/2/deviceClassName"],
		["device-class", "/spec/devices/requests/2/deviceClassName"],
	}
}

test_modes_without_a_bound if {
	every mode in ["All", "all", "Any", 7, ["ExactCount"], true] {
		"allocation-mode" in checks with input as claim([{"exactly": {"deviceClassName": "a", "allocationMode": mode}}], {"deviceClasses": ["a"]})
	}
	every mode in ["ExactCount", "", null] {
		checks == set() with input as claim([{"exactly": {"deviceClassName": "a", "allocationMode": mode}}], {"deviceClasses": ["a"]})
	}
}

all_of(bound) := object.union(
	object.remove(claim([{"exactly": {"deviceClassName": "a", "allocationMode": "All"}}], {"deviceClasses": ["a"], "perPod": "8"}), ["params"]),
	{"params": params({"max_all_devices": bound})},
)

test_all_with_a_bound if {
	checks == set() with input as all_of(8)
	checks == {"claim-units"} with input as all_of(9)
	every odd in ["x", -1, true, {}] { checks == {"allocation-mode"} with input as all_of(odd) }
}

asking(number) := claim([{"exactly": {"deviceClassName": "a", "count": number}}], {"deviceClasses": ["a"], "perPod": "2"})

test_device_counts if {
	every number in [0, 1, 2, "2"] { checks == set() with input as asking(number) }
	every number in [3, 1e9, 9223372036854775807] { checks == {"claim-units"} with input as asking(number) }
	every number in [-1, 1.5, "x", true, [1], null] { "device-count" in checks with input as asking(number) }
}

weighed := params({"weights": {"deviceclass.resource.kubernetes.io/mig": "1/7"}})

weighed_claim(requests, bound) := object.union(
	object.remove(claim(requests, {"deviceClasses": ["gpu", "mig"], "perPod": bound}), ["params"]),
	{"params": weighed},
)

test_the_dearest_alternative_counts if {
	either := {"firstAvailable": [{"deviceClassName": "mig", "count": 6}, {"deviceClassName": "gpu"}, {"deviceClassName": "mig"}]}
	checks == set() with input as weighed_claim([either], "1")
	checks == {"claim-units"} with input as weighed_claim([either], "999m")
	checks == {"claim-units"} with input as weighed_claim([either, {"deviceClassName": "mig"}], "1")
	checks == set() with input as weighed_claim([either, {"deviceClassName": "mig"}], "1.142858")
}

test_claims_of_schedulers if {
	foreign := claim([{"exactly": {"deviceClassName": "b"}}], {"deviceClasses": ["a"]})
	checks == set() with input as json.patch(foreign, [{"op": "replace", "path": "/request/userInfo/username", "value": "system:kube-scheduler"}])
	every writers in [null, {}, {"users": null}, "system:kube-scheduler"] {
		checks == {"device-class"} with input as json.patch(foreign, [{"op": "replace", "path": "/params/claim_writers", "value": writers}])
	}
}

test_odd_claims_deny if {
	every requests in ["x", {"a": {"deviceClassName": "a"}}, [7], [{"exactly": 7}], [{"firstAvailable": 7}], [{"firstAvailable": [7]}]] {
		"shape" in checks with input as claim(requests, {"deviceClasses": ["a"]})
	}
}

test_other_objects if {
	checks == set() with input as {"request": {"operation": "CREATE", "object": {"spec": {"devices": {"requests": [{"deviceClassName": "x"}]}}}}, "params": defaults}
}

overhead(amount) := pod({"overhead": {"cpu": "1", "nvidia.com/gpu": amount}, "containers": [{}]}, {"perPod": "2"})

test_what_a_runtime_class_takes if {
	findings == set() with input as overhead("2")
	findings == {["per-pod", "/spec/overhead"]} with input as overhead("3")
	every odd in ["-3", "x", null, [3]] { findings == set() with input as overhead(odd) }
	findings == {["per-pod", "/spec/containers/0/resources/limits/nvidia.com~1gpu"]} with input as object.union(
		overhead("2"),
		{"pod": {"spec": limits({"nvidia.com/gpu": "1"})}},
	)
	findings == set() with input as object.union(
		overhead("1"),
		{"pod": {"spec": limits({"nvidia.com/gpu": "1"})}},
	)
	gpu_quota.applies with input as overhead("1")
	not gpu_quota.applies with input as pod({"overhead": {"cpu": "1"}, "containers": [{}]}, {"perPod": "2"})
	every odd in ["nvidia.com/gpu", ["nvidia.com/gpu"], null] {
		findings == set() with input as pod({"overhead": odd, "containers": [{}]}, {"perPod": "2"})
	}
}

test_administrative_access_holds_nothing if {
	admin := {"exactly": {"deviceClassName": "a", "count": 9, "adminAccess": true}}
	findings == set() with input as claim([admin], {"deviceClasses": ["a"], "perPod": "2"})
	findings == set() with input as claim([admin, {"exactly": {"deviceClassName": "a", "count": 2}}], {"deviceClasses": ["a"], "perPod": "2"})
	every odd in [false, null, "true", 1] {
		checks == {"claim-units"} with input as claim(
			[{"exactly": {"deviceClassName": "a", "count": 9, "adminAccess": odd}}],
			{"deviceClasses": ["a"], "perPod": "2"},
		)
	}
}
