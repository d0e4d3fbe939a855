package usher.resource_limits_test

import data.usher.resource_limits

defaults := {
	"inject_defaults": true,
	"default_limits": {"cpu": "1", "memory": "1Gi"},
	"default_requests": {"cpu": "500m", "memory": "512Mi"},
	"required": ["limits.cpu", "limits.memory", "requests.cpu", "requests.memory"],
	"container_max": {}, "container_min": {}, "pod_max": {}, "pod_min": {}, "max_ratio": {},
}

# The parameters' defaults, with others over them.
params(overrides) := {name: object.get(overrides, name, value) | some name, value in defaults}

# Bounds alone: nothing is injected or required.
bounds(overrides) := params(object.union({"inject_defaults": false, "required": []}, overrides))

create(spec) := {"pod": {"path": "", "spec": spec}, "request": {"operation": "CREATE"}}

one(resources) := {"containers": [{"resources": resources}]}

findings := {[finding.check, finding.path] | some finding in resource_limits.deny}

checks := {finding.check | some finding in resource_limits.deny}

test_what_is_required_is_missing if {
	found := findings with input as object.union(create({"initContainers": [{}], "containers": [{}]}), {"params": params({
		"inject_defaults": false,
		"required": ["limits.cpu", "requests.ephemeral-storage"],
	})})
	found == {
		["required", "/spec/initContainers/0/resources/limits/cpu"],
		["required", "/spec/initContainers/0/resources/requests/ephemeral-storage"],
		["required", "/spec/containers/0/resources/limits/cpu"],
		["required", "/spec/containers/0/resources/requests/ephemeral-storage"],
	}
}

test_a_limit_is_a_request_too if {
	found := findings with input as object.union(
		create(one({"limits": {"cpu": 1, "memory": "1Gi"}})),
		{"params": params({"inject_defaults": false})},
	)
	found == set()
}

test_ephemeral_containers_need_nothing if {
	found := findings with input as object.union(
		create({"ephemeralContainers": [{}, {"resources": {"limits": {"cpu": "9"}}}]}),
		{"params": bounds({"required": ["limits.cpu"], "container_max": {"cpu": 8}, "pod_max": {"cpu": 8}})},
	)
	found == {["container-max", path] |
		some path in ["/spec/ephemeralContainers/1/resources/limits/cpu", "/spec/ephemeralContainers/1/resources/requests/cpu"]
	}
}

test_bounds_are_inclusive_and_exact if {
	found := findings with input as object.union(
		create(one({"requests": {"cpu": "0.1", "memory": "16777216Ki"}, "limits": {"cpu": "8000m", "memory": "16Gi"}})),
		{"params": bounds({
			"container_max": {"cpu": "8", "memory": "17179869184"},
			"container_min": {"cpu": "100m", "memory": 17179869184},
			"pod_max": {"cpu": "8", "memory": "16Gi"},
			"pod_min": {"cpu": "100m"},
			"max_ratio": {"cpu": "80"},
		})},
	)
	found == set()
}

test_bounds_are_exceeded_by_one_nano_unit if {
	found := findings with input as object.union(
		create(one({"requests": {"cpu": "99999999n"}, "limits": {"cpu": "8000000001n"}})),
		{"params": bounds({
			"container_max": {"cpu": "8"}, "container_min": {"cpu": "100m"},
			"pod_max": {"cpu": "8"}, "pod_min": {"cpu": "100m"}, "max_ratio": {"cpu": "80"},
		})},
	)
	found == {
		["container-max", "/spec/containers/0/resources/limits/cpu"],
		["container-min", "/spec/containers/0/resources/requests/cpu"],
		["pod-max", "/spec/containers/0/resources/limits/cpu"],
		["pod-min", "/spec/containers/0/resources/requests/cpu"],
		["ratio", "/spec/containers/0/resources/limits/cpu"],
	}
}

test_null_and_empty_bounds_are_none if {
	found := findings with input as object.union(
		create(one({"requests": {"cpu": "1"}, "limits": {"cpu": "64"}})),
		{"params": bounds({"container_max": {"cpu": null}, "pod_max": {"cpu": ""}, "max_ratio": null})},
	)
	found == set()
}

# GPUs that nobody asks for are no violation of their bounds.
test_bounds_of_extended_resources if {
	bounded := bounds({"container_max": {"nvidia.com/gpu": "1"}, "container_min": {"nvidia.com/gpu": "1"}, "pod_max": {"nvidia.com/gpu": "1"}, "pod_min": {"nvidia.com/gpu": "1"}})
	none := findings with input as object.union(create(one({})), {"params": bounded})
	none == set()
	found := findings with input as object.union(create(one({"limits": {"nvidia.com/gpu": "2"}})), {"params": bounded})
	found == {
		["container-max", "/spec/containers/0/resources/limits/nvidia.com~1gpu"],
		["container-max", "/spec/containers/0/resources/requests/nvidia.com~1gpu"],
		["pod-max", "/spec/containers/0/resources/limits/nvidia.com~1gpu"],
		["pod-max", "/spec/containers/0/resources/requests/nvidia.com~1gpu"],
	}
}

test_without_a_limit_there_is_no_most if {
	found := findings with input as object.union(
		create({"initContainers": [{}], "containers": [{"resources": {"requests": {"cpu": "1"}}}]}),
		{"params": bounds({"container_max": {"cpu": "8"}, "pod_max": {"cpu": "16"}, "max_ratio": {"cpu": "4"}, "container_min": {"cpu": "0"}})},
	)
	found == {[check, path] |
		some check in ["container-max", "pod-max", "ratio"]
		some path in ["/spec/initContainers/0/resources/limits/cpu", "/spec/containers/0/resources/limits/cpu"]
	}
}

test_without_a_request_there_is_no_least if {
	found := findings with input as object.union(
		create({"containers": [{"resources": {}}]}),
		{"params": bounds({"container_min": {"cpu": "100m", "nvidia.com/gpu": "1", "memory": "0"}, "pod_min": {"cpu": "100m"}})},
	)
	found == {["container-min", "/spec/containers/0/resources/requests/cpu"], ["pod-min", "/spec/containers/0/resources/requests/cpu"]}
	messages := {finding.msg | some finding in resource_limits.deny} with input as object.union(
		create({"containers": []}),
		{"params": bounds({"container_min": {"cpu": "100m"}, "pod_min": {"cpu": "100m"}})},
	)
	messages == {"the pod's cpu requests add up to 0; at least 100m per pod"}
}

test_what_would_pass if {
	every pair in [
		[{"container_min": {"cpu": "100m"}, "container_max": {"cpu": 8}}, "cpu limit is not set; set one of at least 100m and at most 8"],
		[{"container_min": {"cpu": "100m"}}, "cpu limit is not set; set one of at least 100m"],
		[{"container_max": {"cpu": "8"}}, "cpu limit is not set; set one of at most 8"],
		[{}, "cpu limit is not set; set one"],
	] {
		messages := {finding.msg | some finding in resource_limits.deny; finding.check == "required"} with input as object.union(
			create(one({"requests": {"cpu": "1"}})),
			{"params": bounds(object.union(pair[0], {"required": ["limits.cpu"]}))},
		)
		messages == {pair[1]}
	}
}

test_sums_of_the_pods_own_resources if {
	found := findings with input as object.union(
		create({"resources": {"limits": {"cpu": "4"}, "requests": {"cpu": "3"}}, "containers": [{}], "overhead": {"cpu": "1"}}),
		{"params": bounds({"pod_max": {"cpu": "4"}, "pod_min": {"cpu": "5"}})},
	)
	found == {["pod-max", "/spec/resources/limits/cpu"], ["pod-min", "/spec/resources/requests/cpu"]}
}

test_the_ratio_of_the_pods_own_resources if {
	found := findings with input as object.union(
		create({"resources": {"limits": {"cpu": "4"}, "requests": {"cpu": "1"}}, "containers": []}),
		{"params": bounds({"max_ratio": {"cpu": "3"}})},
	)
	found == {["ratio", "/spec/resources/limits/cpu"]}
}

test_a_request_that_the_ratio_raises_and_a_limit_that_it_lowers if {
	patch := resource_limits.patch with input as object.union(
		create({"containers": [{"resources": {}}, {"resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "1Gi"}}}]}),
		{"params": params({"max_ratio": {"cpu": "1.5", "memory": "1.5"}})},
	)
	patch == {
		{"op": "add", "path": "/spec/containers/0/resources/limits", "value": {"cpu": "1", "memory": "1Gi"}},
		{"op": "add", "path": "/spec/containers/0/resources/requests", "value": {"cpu": "1", "memory": "1Gi"}},
		{"op": "add", "path": "/spec/containers/1/resources/limits/cpu", "value": "100m"},
		{"op": "add", "path": "/spec/containers/1/resources/requests/memory", "value": "1Gi"},
	}
}

test_a_pod_may_have_its_own_resources if {
	found := findings with input as object.union(
		create({"resources": {"limits": {"cpu": "4", "memory": "4Gi"}}, "containers": [{}]}),
		{"params": params({"container_max": {"cpu": "4"}, "container_min": {"cpu": "1"}, "pod_max": {"cpu": "4"}, "pod_min": {"cpu": "4"}, "max_ratio": {"cpu": "1"}})},
	)
	found == set()
}

test_a_pods_own_limit_of_zero_covers_nothing if {
	found := findings with input as object.union(
		create({"resources": {"limits": {"cpu": "0"}}, "containers": [{}]}),
		{"params": bounds({"required": ["limits.cpu"], "container_max": {"cpu": "4"}})},
	)
	found == {["required", "/spec/containers/0/resources/limits/cpu"]}
}

test_amounts_that_are_no_quantities if {
	odd := {"cpu": "lots", "memory": true, "a.example/b": null, "c.example/d": ["1"], "e.example/f": {"g": 1}, "hugepages-2Mi": "-1"}
	found := findings with input as object.union(
		create({"containers": [{"resources": {"limits": odd}}], "resources": {"requests": {"cpu": "x"}}, "overhead": {"memory": "y"}}),
		{"params": bounds({"required": ["limits.cpu"]})},
	)
	found == {["quantity", path] |
		some path in [
			"/spec/containers/0/resources/limits/cpu",
			"/spec/containers/0/resources/limits/memory",
			"/spec/containers/0/resources/limits/a.example~1b",
			"/spec/containers/0/resources/limits/c.example~1d",
			"/spec/containers/0/resources/limits/e.example~1f",
			"/spec/containers/0/resources/limits/hugepages-2Mi",
			"/spec/resources/requests/cpu",
			"/spec/overhead/memory",
		]
	}
}

test_odd_shapes_deny_and_get_no_patch if {
	every spec in [
		{"containers": "x"},
		{"containers": {"a": {}}},
		{"containers": ["x"]},
		{"containers": [null]},
		{"containers": [{"resources": "x"}]},
		{"containers": [{"resources": ["x"]}]},
		{"containers": [{"resources": {"limits": "x"}}]},
		{"containers": [{"resources": {"requests": ["cpu"]}}]},
		{"initContainers": 1},
		{"ephemeralContainers": [1]},
		{"resources": "x"},
		{"resources": {"limits": ["cpu"]}},
		{"overhead": ["cpu"]},
		"x", null, ["x"],
	] {
		"shape" in checks with input as object.union(create(spec), {"params": params({"container_max": {"cpu": "8"}, "pod_max": {"cpu": "8"}})})
		count(resource_limits.patch) == 0 with input as object.union(create(spec), {"params": params({})})
	}
}

test_a_pod_without_a_spec_denies if {
	checks == {"shape"} with input as {"pod": {"path": ""}, "request": {"operation": "CREATE"}, "params": params({})}
}

test_parameters_that_make_no_sense if {
	every overrides in [
		{"container_max": {"cpu": "lots"}}, {"pod_min": {"cpu": "-1"}}, {"max_ratio": {"cpu": true}},
		{"default_limits": {"cpu": "x"}}, {"default_limits": {"nvidia.com/gpu": "1"}}, {"container_min": ["cpu"]},
		{"required": ["cpu"]}, {"required": ["limits."]}, {"required": [1]}, {"required": ["limit.cpu"]},
	] {
		"parameters" in checks with input as object.union(create({"containers": [{}]}), {"params": params(overrides)})
	}
	count(checks) == 0 with input as object.union(create({"containers": []}), {"params": params({})})
}

test_no_defaults_without_the_parameter if {
	every value in [false, null, "true"] {
		count(resource_limits.patch) == 0 with input as object.union(create(one({})), {"params": params({"inject_defaults": value})})
	}
}

test_no_defaults_where_there_are_none if {
	patch := resource_limits.patch with input as object.union(create(one({})), {"params": params({"default_limits": {"cpu": null}, "default_requests": {}})})
	patch == set()
}

test_default_requests_alone if {
	patch := resource_limits.patch with input as object.union(create(one({})), {"params": params({"default_limits": {}, "container_max": {"cpu": "250m"}})})
	patch == {{
		"op": "add", "path": "/spec/containers/0/resources/requests",
		"value": {"cpu": "250m", "memory": "512Mi"},
	}}
}

test_default_limits_alone_are_requests_too if {
	patch := resource_limits.patch with input as object.union(create(one(null)), {"params": params({"default_requests": {}})})
	patch == {{
		"op": "add", "path": "/spec/containers/0/resources",
		"value": {"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "1", "memory": "1Gi"}},
	}}
}

test_nothing_goes_with_a_request_of_zero_and_a_ratio if {
	patch := resource_limits.patch with input as object.union(
		create(one({"requests": {"cpu": "0", "memory": "0"}, "limits": {"cpu": "1"}})),
		{"params": params({"max_ratio": {"memory": "2"}})},
	)
	patch == set()
}

test_nothing_is_injected_beside_a_garbled_amount if {
	patch := resource_limits.patch with input as object.union(create(one({"requests": {"cpu": "x"}, "limits": {"memory": "y"}})), {"params": params({})})
	patch == set()
}

test_nothing_is_injected_beside_the_pods_own_resources if {
	patch := resource_limits.patch with input as object.union(create({"resources": {"requests": {"cpu": "1"}}, "containers": [{"resources": {}}]}), {"params": params({})})
	patch == {
		{"op": "add", "path": "/spec/containers/0/resources/limits", "value": {"memory": "1Gi"}},
		{"op": "add", "path": "/spec/containers/0/resources/requests", "value": {"memory": "512Mi"}},
	}
}

test_existing_pods_are_not_amended if {
	resized := {"pod": {"path": "", "spec": one({})}, "request": {"operation": "UPDATE"}, "params": params({})}
	count(resource_limits.patch) == 0 with input as resized
	checks == {"required"} with input as resized
}

test_templates_are_amended_at_any_time if {
	updated := {"pod": {"path": "/spec/template", "spec": one({})}, "request": {"operation": "UPDATE"}, "params": params({})}
	count(resource_limits.patch) == 2 with input as updated
}

test_objects_without_a_pod if {
	count(resource_limits.deny) == 0 with input as {"request": {"operation": "CREATE", "object": {"spec": {}}}, "params": params({})}
	count(resource_limits.patch) == 0 with input as {"request": {"operation": "CREATE"}, "params": params({})}
}
