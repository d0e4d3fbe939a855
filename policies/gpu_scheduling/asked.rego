package usher.gpu_scheduling

import data.usher.lib.pods
import data.usher.lib.quantities
import data.usher.lib.resources

# How many whole GPUs the pod holds while it runs, in nano units.
_gpus := resources.effective(
	[_most(container) | some container in input.pod.spec.containers],
	[{"amount": _most(container), "sidecar": pods.is_sidecar(container)} |
		some container in input.pod.spec.initContainers
	],
)

_most(container) := max(array.concat([0], [amount |
	some section in ["limits", "requests"]
	amount := quantities.nano(container.resources[section]["nvidia.com/gpu"])
]))

# A wish that programs carry in their environment; NCCL itself does not read it.
_names_nccl_topology if {
	some list in ["initContainers", "containers"]
	some container in input.pod.spec[list]
	some variable in container.env
	variable.name == "NCCL_TOPOLOGY"
}

_nccl_requires if {
	some list in ["initContainers", "containers"]
	some container in input.pod.spec[list]
	some variable in container.env
	variable.name == "NCCL_TOPOLOGY"
	variable.value == "NVLINK"
}
