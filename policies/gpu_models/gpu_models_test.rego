package usher.gpu_models_test

import data.usher.gpu_models

params := {"model_label": "nvidia.com/gpu.product", "gpu_resources": ["nvidia.com/*"], "gpu_device_classes": ["*"]}

pod(models, spec) := {
	"request": {"operation": "CREATE"},
	"params": params,
	"tenant": {"spec": {"gpu": {"models": models}}},
	"pod": {"path": "", "spec": object.union(spec, {"containers": [{"resources": {"limits": {"nvidia.com/gpu": 1}}}]})},
}

required(terms) := {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": terms}}}}

model(names) := {"key": "nvidia.com/gpu.product", "operator": "In", "values": names}

zone := {"key": "zone", "operator": "In", "values": ["a"]}

test_every_model_is_free_without_a_list if {
	every models in [[], null, "H100"] {
		gpu_models.deny == set() with input as pod(models, {})
		gpu_models.patch == set() with input as pod(models, {})
		not gpu_models.applies with input as pod(models, {})
	}
}

test_a_pod_without_gpus_is_free if {
	without := object.union(pod(["H100"], {}), {"pod": {"spec": {"containers": [{"resources": {"limits": {"cpu": 1}}}]}}})
	not gpu_models.applies with input as without
	gpu_models.deny == set() with input as without
}

test_claims_of_devices_are_bound_too if {
	claiming := object.union(pod(["H100"], {}), {"pod": {"spec": {"containers": [{}], "resourceClaims": [{"name": "gpus"}]}}})
	count(gpu_models.patch) == 1 with input as claiming
}

test_a_pod_without_affinity_is_bound if {
	bound := {"nodeSelectorTerms": [{"matchExpressions": [model(["A", "B"])]}]}
	gpu_models.patch == {{
		"op": "add", "path": "/spec/affinity",
		"value": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": bound}},
	}} with input as pod(["A", "B"], {})
	gpu_models.patch == {{
		"op": "add", "path": "/spec/affinity/nodeAffinity",
		"value": {"requiredDuringSchedulingIgnoredDuringExecution": bound},
	}} with input as pod(["A", "B"], {"affinity": {"podAffinity": {}}})
	gpu_models.patch == {{
		"op": "add", "path": "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution",
		"value": bound,
	}} with input as pod(["A", "B"], {"affinity": {"nodeAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": []}}})
}

test_every_term_is_narrowed_but_the_empty_one if {
	terms := [{"matchExpressions": [zone]}, {}, {"matchFields": [zone]}, {"matchExpressions": [model(["A"])]}]
	gpu_models.patch == {{
		"op": "replace",
		"path": "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms",
		"value": [
			{"matchExpressions": [zone, model(["A", "B"])]},
			{},
			{"matchFields": [zone], "matchExpressions": [model(["A", "B"])]},
			{"matchExpressions": [model(["A"])]},
		],
	}} with input as pod(["A", "B"], required(terms))
}

test_what_is_not_bound_is_denied if {
	paths := {denial.path | some denial in gpu_models.deny} with input as pod(["A"], required([
		{"matchExpressions": [zone]},
		{"matchExpressions": [model(["A", "C"])]},
		{"matchExpressions": [model(["A"])]},
		{"matchExpressions": [{"key": "nvidia.com/gpu.product", "operator": "NotIn", "values": ["B"]}]},
		{},
	]))
	prefix := "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution/nodeSelectorTerms"
	paths == {sprintf("%s/%d", [prefix, i]) | some i in [0, 1, 3]}
}

test_a_pod_that_is_there_stays if {
	old := object.union(pod(["A"], {}), {"request": {"operation": "UPDATE"}})
	gpu_models.deny == set() with input as old
	gpu_models.patch == set() with input as old
}

test_odd_affinities_are_denied if {
	every odd in [
		{"affinity": "x"}, {"affinity": {"nodeAffinity": []}},
		{"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": 1}}},
		required("x"), required([7]), required([{"matchExpressions": "x"}]),
	] {
		count(gpu_models.deny) > 0 with input as pod(["A"], odd)
		gpu_models.patch == set() with input as pod(["A"], odd)
	}
}
