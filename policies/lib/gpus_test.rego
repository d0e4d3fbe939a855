package usher.lib.gpus_test

import data.usher.lib.gpus
import data.usher.lib.quantities

params := {
	"gpu_resources": ["nvidia.com/*", "*gpu*"], "gpu_device_classes": ["*"],
	"weights": {}, "mig_slices": 7, "shared_replicas": 4,
}

with_params(overrides) := {"params": object.union(params, overrides)}

test_what_looks_like_a_gpu if {
	every name in ["nvidia.com/gpu", "nvidia.com/anything", "NVIDIA.com/GPU", "amd.com/gpu", "example.com/vGPU-mem", "deviceclass.resource.kubernetes.io/x"] {
		gpus.is_gpu(name) with input as with_params({})
	}
	every name in ["cpu", "gpu", "memory", "hugepages-2Mi", "rdma/hca"] {
		not gpus.is_gpu(name) with input as with_params({})
	}
}

test_a_list_that_is_none_makes_everything_a_gpu if {
	every odd in [null, "nvidia.com/*", {}] {
		gpus.is_gpu("rdma/hca") with input as {"params": {"gpu_resources": odd}}
		gpus.is_gpu_class("nic") with input as {"params": {"gpu_device_classes": odd}}
	}
	not gpus.is_gpu("rdma/hca") with input as {"params": {"gpu_resources": []}}
}

test_device_classes_that_are_no_gpus if {
	only := with_params({"gpu_device_classes": ["gpu.*", "*.nvidia.com"]})
	gpus.is_gpu("deviceclass.resource.kubernetes.io/gpu.example") with input as only
	gpus.is_gpu("deviceclass.resource.kubernetes.io/mig.nvidia.com") with input as only
	not gpus.is_gpu("deviceclass.resource.kubernetes.io/nic.example") with input as only
}

test_weights if {
	cases := {
		"nvidia.com/gpu": "1",
		"nvidia.com/gpu.shared": "0.25",
		"nvidia.com/mig-1g.5gb": "0.142858",
		"nvidia.com/mig-1g.10gb.me": "0.142858",
		"nvidia.com/mig-1g.5gb.shared": "0.035715",
		"nvidia.com/mig-3g.20gb": "0.428572",
		"nvidia.com/mig-1c.3g.20gb": "0.142858",
		"nvidia.com/mig-1g.12gb.gfx": "0.142858",
		"nvidia.com/mig-1g.10gb.me.all": "0.142858",
		"nvidia.com/mig-1g.24gb-me": "0.142858",
		"nvidia.com/mig-7g.80gb": "1",
		"deviceclass.resource.kubernetes.io/gpu.nvidia.com": "1",
	}
	found := {name: gpus.text(gpus.weight(name)) | some name, _ in cases} with input as with_params({})
	found == cases
}

test_nobody_knows_the_weight if {
	every name in ["nvidia.com/gpumem", "nvidia.com/mig-0g.5gb", "nvidia.com/mig-g.5gb", "nvidia.com/mig-1g", "nvidia.com/mig-1g.5gbx", "amd.com/gpu", "xnvidia.com/mig-1g.5gb"] {
		not gpus.weight(name) with input as with_params({})
	}
	every odd in [0, -1, 1.5, "x", null, 10000000] {
		not gpus.weight("nvidia.com/gpu.shared") with input as with_params({"shared_replicas": odd})
		not gpus.weight("nvidia.com/mig-1g.5gb") with input as with_params({"mig_slices": odd})
	}
}

test_configured_weights if {
	configured := with_params({"weights": {
		"nvidia.com/gpu": "1/4", "amd.com/gpu": 1, "nvidia.com/mig-1g.6gb": "250m", "nvidia.com/hostdev": "0",
		"deviceclass.resource.kubernetes.io/mig.nvidia.com": "3/7",
	}})
	found := [gpus.text(gpus.weight(name)) |
		some name in [
			"nvidia.com/gpu", "nvidia.com/gpu.shared", "amd.com/gpu", "nvidia.com/mig-1g.6gb", "nvidia.com/hostdev",
			"deviceclass.resource.kubernetes.io/mig.nvidia.com",
		]
	] with input as configured
	found == ["0.25", "0.0625", "1", "0.25", "0", "0.428572"]
	every odd in ["1/0", "-1/4", "-1", "x", "1/x", "1/1234567", "01/4", null, {}, true] {
		not gpus.weight("nvidia.com/gpu") with input as with_params({"weights": {"nvidia.com/gpu": odd}})
	}
}

part(number, of, per) := {"count": number, "weight": {"of": of, "per": per}}

test_totals_are_exact if {
	gpus.text(gpus.total([])) == "0"
	gpus.text(gpus.total([part(7, 1, 7)])) == "1"
	gpus.text(gpus.total([part(2, 3, 7), part(1, 1, 7)])) == "1"
	gpus.text(gpus.total([part(1, 1, 7), part(1, 1, 4), part(1, 1, 3)])) == "0.726191"
	gpus.text(gpus.total([part(1, 1, 7)])) == "0.142858"
	gpus.text(gpus.total([part(12, 1, 1)])) == "12"
}

test_limits if {
	third := gpus.total([part(1, 3, 7)])
	gpus.exceeds(third, quantities.nano("428571u"))
	gpus.exceeds(third, quantities.nano("428571999n"))
	not gpus.exceeds(third, quantities.nano("428572u"))
	whole := gpus.total([part(7, 1, 7)])
	not gpus.exceeds(whole, quantities.nano("1"))
	gpus.exceeds(whole, quantities.nano("999999u"))
	not gpus.exceeds(gpus.total([]), 0)
	gpus.is_more(whole, third)
	not gpus.is_more(third, third)
}
