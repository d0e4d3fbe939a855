# METADATA
# title: GPU scheduling
# description: >-
#   Pods for which it matters how their GPUs are linked go to the scheduler that
#   knows: those with several GPUs, with the annotation usher.dev/gpu-topology, or
#   with the environment variable NCCL_TOPOLOGY. The annotation asks for GPUs that
#   are linked by NVLink, each with each (nvlink), for GPUs of one NUMA node (numa),
#   or for the best that are free (best-effort). The first two are requirements: a
#   pod waits until they can be met. NCCL_TOPOLOGY=NVLINK is read as nvlink.
# custom:
#   severity: medium
#   checks:
#     topology: the topology that a pod asks for is one that there is
#     scheduler: a pod that requires a topology goes to the scheduler that knows GPUs
#     gpus: a pod that requires a topology asks for GPUs
#     immutable: what a pod asks for stays as it was when the pod was made
#   parameters:
#     scheduler:
#       description: >-
#         the scheduler that knows how GPUs are linked; tenants' pods reach it where
#         tenant_isolation's allowed_schedulers has it
#       default: gpu-topology-scheduler
#     route:
#       description: >-
#         whether new pods without a scheduler of their own are sent to it; switch it
#         off where that scheduler does not run, or they wait for it
#       default: true
#     minimum_gpus:
#       description: how many GPUs a pod has to ask for to be sent to it for them alone
#       default: 2
package usher.gpu_scheduling

deny contains {"check": "topology", "msg": msg, "path": _pointer} if {
	not _updates
	topology := input.pod.metadata.annotations["usher.dev/gpu-topology"]
	not topology in {"nvlink", "numa", "best-effort"}
	msg := sprintf("GPU topology %s is not known; write nvlink, numa or best-effort", [json.marshal(topology)])
}

deny contains {"check": "scheduler", "msg": msg, "path": "/spec/schedulerName"} if {
	not _updates
	required := _required
	_gpus > 0
	not _names_node
	_scheduler != input.params.scheduler
	msg := sprintf(
		"GPU topology %s is required, and scheduler %s does not know how GPUs are linked; use %s, or ask for best-effort",
		[required, json.marshal(_scheduler), input.params.scheduler],
	)
}

# Claims of devices and parts of GPUs do not count: no links lead from one to another.
warn contains {"check": "gpus", "msg": msg, "path": _pointer} if {
	not _updates
	required := _required
	_gpus == 0
	msg := sprintf(
		"GPU topology %s is required, but no container asks for whole GPUs; set a limit of nvidia.com/gpu, or leave the requirement out",
		[required],
	)
}

# The scheduler has read it, or is about to.
deny contains {"check": "immutable", "msg": msg, "path": _pointer} if {
	_updates
	_topology != _old_topology
	msg := sprintf(
		"the GPU topology of a pod that exists cannot change from %s to %s; keep it, or make another pod",
		[_shown(_old_topology), _shown(_topology)],
	)
}

# New pods come from a template, so it may change.
_updates if {
	input.request.operation == "UPDATE"
	is_string(input.old_pod.path)
	input.pod.path == ""
}

_pointer := "/metadata/annotations/usher.dev~1gpu-topology"

default _topology := null

_topology := input.pod.metadata.annotations["usher.dev/gpu-topology"]

default _old_topology := null

_old_topology := input.old_pod.metadata.annotations["usher.dev/gpu-topology"]

_shown(topology) := "none" if is_null(topology)

else := json.marshal(topology)

_required := _topology if _topology in {"nvlink", "numa"}

_required := "nvlink" if {
	is_null(_topology)
	_nccl_requires
}

default _scheduler := "default-scheduler"

_scheduler := input.pod.spec.schedulerName if not input.pod.spec.schedulerName in {"", null}

# It meets no scheduler, such as a kubelet's mirror of a static pod.
_names_node if not input.pod.spec.nodeName in {"", null}
