package usher.gpu_escape

import data.usher.lib.claims
import data.usher.lib.patterns
import data.usher.lib.pods

# Most pods touch nothing of this. Here only names are read, and whether a field
# is there: its value matters once it is.
applies if {
	some list in pods.container_lists
	some container in input.pod.spec[list]
	some variable in container.env
	_concerns(_name(variable))
}

applies if {
	some list in pods.container_lists
	some container in input.pod.spec[list]
	container.envFrom
}

applies if {
	some list in pods.container_lists
	some container in input.pod.spec[list]
	_raises(container.securityContext)
}

applies if input.pod.spec.securityContext.windowsOptions

applies if {
	some list in pods.container_lists
	some container in input.pod.spec[list]
	some mount in container.volumeMounts
	is_string(mount.mountPath)
	contains(mount.mountPath, "nvidia-container-devices")
}

applies if {
	some volume in input.pod.spec.volumes
	_ = volume.hostPath
}

applies if {
	is_object(input.pod.metadata.annotations)
	some key, _ in input.pod.metadata.annotations
	patterns.matches_any(input.params.device_annotations, key)
}

applies if _is_on(input.pod.spec.hostIPC)

applies if input.pod.spec.runtimeClassName

# A claim, or whatever else has no pod.
applies if not input.pod

# What is not made as Kubernetes makes it.
applies if count(pods.malformed) > 0

applies if count(claims.malformed) > 0

applies if {
	some list in pods.container_lists
	some container in input.pod.spec[list]
	some field in ["env", "envFrom", "volumeMounts"]
	value := container[field]
	not is_array(value)
}

applies if not is_array(object.get(input.pod, ["spec", "volumes"], []))

_concerns(name) if startswith(name, "NVIDIA_")

_concerns("CUDA_VERSION")

_raises(context) if _is_on(context.privileged)

_raises(context) if context.windowsOptions

_raises(context) if {
	some _ in context.capabilities.add
}
