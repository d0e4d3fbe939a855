package usher.gpu_escape

import data.usher.lib.pods

# CUDA images ask for all GPUs in their own environment, and where the NVIDIA
# runtime is the default it obeys. A container that asks Kubernetes for none gets
# none. An old pod's containers cannot be changed, and nobody mutates ephemeral ones.
patch contains {"op": "add", "path": path, "value": addition.value} if {
	input.params.hide_gpus == true
	pods.amendable
	some list in ["initContainers", "containers"]
	is_array(input.pod.spec[list])
	some i, container in input.pod.spec[list]
	not _has_gpu(container)
	not _sets(container, "NVIDIA_VISIBLE_DEVICES")
	addition := _addition(container)
	_judged
	path := sprintf("/spec/%s/%d/%s", [list, i, addition.path])
}

_void := {"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}

_addition(container) := {"path": "env/-", "value": _void} if {
	is_array(container.env)
} else := {"path": "env", "value": [_void]} if {
	is_object(container)
	is_null(object.get(container, "env", null))
}

_sets(container, name) if {
	some variable in container.env
	_name(variable) == name
}
