package usher.gpu_escape

import data.usher.lib.patterns
import data.usher.lib.pods
import data.usher.lib.pointers

# The NVIDIA runtime reads these from a container's environment, and with them
# reaches what no device plugin handed out.
_driver_variables := {
	"NVIDIA_MIG_CONFIG_DEVICES", "NVIDIA_MIG_MONITOR_DEVICES",
	"NVIDIA_IMEX_CHANNELS", "NVIDIA_NVSWITCH",
}

# A variable's name as the runtime reads it from NAME=VALUE.
_name(variable) := split(variable.name, "=")[0] if is_string(variable.name)

# The values that ask for no GPU at all.
_no_devices := {"", "none", "void"}

deny contains {"check": "visible-devices", "msg": msg, "path": path} if {
	some list in pods.container_lists
	some i, container in input.pod.spec[list]
	some j, variable in container.env
	_name(variable) == "NVIDIA_VISIBLE_DEVICES"
	not _asks_for_none(variable)
	_judged
	msg := sprintf(
		"NVIDIA_VISIBLE_DEVICES%s would reach GPUs that were not handed to this container; leave it out: the device plugin sets it to the GPUs that resources.limits asks for",
		[_shown(variable)],
	)
	path := sprintf("/spec/%s/%v/env/%v", [list, i, j])
}

deny contains {"check": "driver-environment", "msg": msg, "path": path} if {
	some list in pods.container_lists
	some i, container in input.pod.spec[list]
	some j, variable in container.env
	_name(variable) in _driver_variables
	_judged
	msg := sprintf("%s reaches beyond the container's own GPUs; leave it out", [_name(variable)])
	path := sprintf("/spec/%s/%v/env/%v", [list, i, j])
}

# The NVIDIA runtime takes a container with CUDA_VERSION and without
# NVIDIA_REQUIRE_CUDA for one of the first CUDA images, which get all GPUs unless
# NVIDIA_VISIBLE_DEVICES says otherwise. Beside a GPU the device plugin says it.
deny contains {"check": "legacy-cuda", "msg": msg, "path": path} if {
	some list in pods.container_lists
	some i, container in input.pod.spec[list]
	some j, variable in container.env
	_name(variable) == "CUDA_VERSION"
	not _sets(container, "NVIDIA_REQUIRE_CUDA")
	not _sets(container, "NVIDIA_VISIBLE_DEVICES")
	not _has_gpu(container)
	_judged
	msg := "CUDA_VERSION makes the NVIDIA runtime hand out all GPUs; leave it out, or set NVIDIA_VISIBLE_DEVICES to void beside it"
	path := sprintf("/spec/%s/%v/env/%v", [list, i, j])
}

# What comes by envFrom is not seen here. A variable under env overrules it, as
# the one that the patch adds does; beside a GPU there is none, and what envFrom
# brings overrules the device plugin.
_unseen contains {"check": "env-from", "msg": msg, "path": path} if {
	some list in pods.container_lists
	some i, container in input.pod.spec[list]
	is_array(container.envFrom)
	count(container.envFrom) > 0
	not _sets(container, "NVIDIA_VISIBLE_DEVICES")
	_judged
	msg := "envFrom may bring NVIDIA_VISIBLE_DEVICES, which would reach GPUs that were not handed to this container; name the variables under env"
	path := sprintf("/spec/%s/%v/envFrom", [list, i])
}

audit contains finding if {
	input.params.env_from == "audit"
	some finding in _unseen
}

warn contains finding if {
	input.params.env_from == "warn"
	some finding in _unseen
}

# A word that is not known refuses.
deny contains finding if {
	not input.params.env_from in {"allow", "audit", "warn"}
	some finding in _unseen
}

deny contains {"check": "cdi-annotation", "msg": msg, "path": path} if {
	is_object(input.pod.metadata.annotations)
	some key, _ in input.pod.metadata.annotations
	patterns.matches_any(input.params.device_annotations, key)
	_judged
	msg := sprintf("annotation %q injects devices past the device plugin; leave it out, and ask for GPUs in resources.limits", [key])
	path := sprintf("/metadata/annotations/%s", [pointers.escape(key)])
}

_asks_for_none(variable) if {
	not variable.valueFrom
	object.get(variable, "value", "") in _no_devices
}

_shown(variable) := sprintf("=%v", [variable.value]) if {
	not variable.valueFrom
} else := " from elsewhere"
