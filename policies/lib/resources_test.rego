package usher.lib.resources_test

import data.usher.lib.resources

test_extended_resources if {
	every name in ["nvidia.com/gpu", "example.com/foo", "deviceclass.resource.kubernetes.io/gpu.nvidia.com"] {
		resources.is_extended(name)
		resources.is_exclusive(name)
	}
	every name in ["cpu", "memory", "hugepages-2Mi", "kubernetes.io/batch-cpu", "attachable-volumes-csi"] {
		not resources.is_extended(name)
	}
	resources.is_exclusive("hugepages-1Gi")
	not resources.is_exclusive("cpu")
}

test_amounts_leave_out_what_is_none if {
	resources.amounts({"cpu": "1", "memory": "x", "a": null, "b": "-1"}) == {"cpu": 1000000000}
	every odd in [null, "cpu", ["cpu"], 7] { resources.amounts(odd) == {} }
}

test_effective if {
	resources.effective([], []) == 0
	resources.effective([1, 2], []) == 3
	resources.effective([1], [{"amount": 5, "sidecar": false}]) == 5
	resources.effective([4], [{"amount": 2, "sidecar": true}, {"amount": 3, "sidecar": false}]) == 6
	resources.effective([1], [{"amount": 2, "sidecar": true}, {"amount": 5, "sidecar": false}]) == 7
	resources.effective([1], [{"amount": 5, "sidecar": false}, {"amount": 2, "sidecar": true}]) == 5
	resources.effective([1], [{"amount": 1, "sidecar": true}, {"amount": 1, "sidecar": true}]) == 3
}
