package usher.gpu_quota

import data.usher.lib.gpus
import data.usher.lib.pods

# Most pods ask for no GPU, and what else they ask for does not matter here.
applies if {
	some list in pods.container_lists
	some container in input.pod.spec[list]
	some section in ["limits", "requests"]
	is_object(container.resources[section])
	some name, _ in container.resources[section]
	gpus.is_gpu(name)
}

applies if {
	some section in ["limits", "requests"]
	is_object(input.pod.spec.resources[section])
	some name, _ in input.pod.spec.resources[section]
	gpus.is_gpu(name)
}

applies if {
	is_object(input.pod.spec.overhead)
	some name, _ in input.pod.spec.overhead
	gpus.is_gpu(name)
}

applies if not object.get(input.pod, ["spec", "resourceClaims"], null) == null

applies if {
	some list in pods.container_lists
	some container in input.pod.spec[list]
	container.resources.claims
}

# A claim, or whatever else has no pod.
applies if not input.pod

# What is not made as Kubernetes makes pods.
applies if count(pods.malformed) > 0

applies if {
	some list in pods.container_lists
	some container in input.pod.spec[list]
	_is_misplaced(container.resources)
}

applies if {
	some list in pods.container_lists
	some container in input.pod.spec[list]
	some section in ["limits", "requests"]
	_is_misplaced(container.resources[section])
}
