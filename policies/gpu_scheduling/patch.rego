package usher.gpu_scheduling

import data.usher.lib.pods
import data.usher.lib.quantities

# A scheduler that the user chose stays, for tenant_isolation to judge.
patch contains {"op": "add", "path": "/spec/schedulerName", "value": input.params.scheduler} if {
	input.params.route == true
	_amended
	is_object(input.pod.spec)
	_scheduler == "default-scheduler"
	_links_matter
}

# The scheduler reads the annotation, so that one place says what a pod asks for.
patch contains {"op": "add", "path": _pointer, "value": "nvlink"} if {
	_stamped
	is_object(_annotations)
}

patch contains {"op": "add", "path": "/metadata/annotations", "value": {"usher.dev/gpu-topology": "nvlink"}} if {
	_stamped
	is_null(_annotations)
	not _lacks_metadata
}

patch contains {"op": "add", "path": "/metadata", "value": {"annotations": {"usher.dev/gpu-topology": "nvlink"}}} if {
	_stamped
	_lacks_metadata
}

_amended if {
	pods.amendable
	not _names_node
}

_stamped if {
	_amended
	is_null(_topology)
	_nccl_requires
}

default _annotations := null

_annotations := input.pod.metadata.annotations

# A template may have none.
_lacks_metadata if not input.pod.metadata

_lacks_metadata if input.pod.metadata == null

_links_matter if _gpus >= quantities.nano(input.params.minimum_gpus)

_links_matter if not is_null(_topology)

_links_matter if _names_nccl_topology
