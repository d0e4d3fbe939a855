# METADATA
# title: GPU escape
# description: >-
#   The device plugin hands GPUs out, one holder each. This policy closes the ways
#   round it: what makes the NVIDIA runtime inject devices that nobody handed out,
#   the host's device files and sockets, and administrative DRA claims. Containers
#   that ask for no GPU are told to see none, since many images ask for all.
# custom:
#   severity: critical
#   checks:
#     visible-devices: no container chooses its GPUs by NVIDIA_VISIBLE_DEVICES; the device plugin sets it
#     driver-environment: no container asks the driver for MIG administration, IMEX channels or NVSwitches
#     legacy-cuda: no container without a GPU sets CUDA_VERSION, for which the NVIDIA runtime hands out all of them
#     env-from: no container takes variables from where they cannot be seen and NVIDIA_VISIBLE_DEVICES may be among them
#     cdi-annotation: no pod asks the runtime for devices by annotations, CDI's or other runtimes' own
#     host-path: no volume is, holds or lies below a device file, or a socket of the runtime, the kubelet or the GPU daemons
#     device-mount: no volume is mounted where the NVIDIA runtime reads device requests
#     privileged: no container is privileged, since a privileged one sees every device of the node
#     capability: no container adds a capability that makes it as good as privileged
#     host-ipc: no pod shares the node's IPC namespace, where other tenants' MPS servers are
#     runtime-class: no pod without a GPU runs under a runtime class for GPUs
#     admin-access: no claim asks for adminAccess, which reaches devices that others hold
#     shape: the pod or the claim is made as Kubernetes makes them
#   parameters:
#     scope:
#       description: whom the policy judges, tenants (namespaces of a tenant) or all
#       default: tenants
#     hide_gpus:
#       description: whether new pods' containers that ask for no GPU get NVIDIA_VISIBLE_DEVICES=void
#       default: true
#     env_from:
#       description: >-
#         what becomes of envFrom in a container that does not set NVIDIA_VISIBLE_DEVICES
#         itself, such as one with a GPU: allow, audit, warn or deny
#       default: audit
#     device_annotations:
#       description: >-
#         annotations by which runtimes hand out devices, as patterns: CDI's, also under
#         the prefixes that NVIDIA's toolkit takes, CRI-O's, and those of NRI's device injector
#       default:
#         - cdi.k8s.io/*
#         - "*.cdi.k8s.io/*"
#         - io.kubernetes.cri-o.Devices*
#         - devices.crio.io*
#         - "*devices.nri.io*"
#         - "*devices.noderesource.dev*"
#     forbidden_capabilities:
#       description: >-
#         capabilities that no container may add; with SYS_ADMIN, NVIDIA's runtime takes
#         a container for a privileged one
#       default: [ALL, SYS_ADMIN, SYS_MODULE, SYS_RAWIO]
#     forbidden_paths:
#       description: >-
#         paths of the node that no volume may be, hold or lie below; a * at the
#         end of a name stands for the rest of it; /var/run counts as /run
#       default:
#         - /dev/nvidia*
#         - /dev/dri
#         - /dev/kfd
#         - /dev/vfio
#         - /dev/accel
#         - /dev/char
#         - /dev/mem
#         - /proc
#         - /sys
#         - /var/lib/kubelet
#         - /var/lib/containerd
#         - /run/nvidia*
#         - /tmp/nvidia-mps*
#         - /run/cdi
#         - /etc/cdi
#         - /run/containerd
#         - /run/crio
#         - /run/docker.sock
#         - /run/cri-dockerd.sock
#         - /run/k3s
#         - /run/nri
#         - /etc/kubernetes
#     gpu_runtime_classes:
#       description: runtime classes that pods without a GPU may not name
#       default: [nvidia, nvidia-cdi, nvidia-legacy]
#     gpu_resources:
#       description: the resources by which a container asks for a GPU, as patterns
#       default: ["nvidia.com/*", "deviceclass.resource.kubernetes.io/*"]
package usher.gpu_escape

import data.usher.lib.claims
import data.usher.lib.patterns
import data.usher.lib.pods
import data.usher.lib.quantities

# A word that is not known judges everybody.
_judged if input.params.scope != "tenants"

_judged if is_string(input.tenant.metadata.name)

deny contains {"check": "shape", "msg": problem.msg, "path": problem.path} if {
	some problem in (pods.malformed | claims.malformed)
	_judged
}

# A list that is none would hide what it holds.
deny contains {"check": "shape", "msg": msg, "path": path} if {
	some list in pods.container_lists
	some i, container in input.pod.spec[list]
	some field in ["env", "envFrom", "volumeMounts"]
	value := container[field]
	not is_array(value)
	not is_null(value)
	_judged
	msg := sprintf("%s is not a list; write a list", [field])
	path := sprintf("/spec/%s/%v/%s", [list, i, field])
}

deny contains {"check": "shape", "msg": "volumes is not a list; write a list", "path": "/spec/volumes"} if {
	value := input.pod.spec.volumes
	not is_array(value)
	not is_null(value)
	_judged
}

deny contains {"check": "runtime-class", "msg": msg, "path": "/spec/runtimeClassName"} if {
	some class in input.params.gpu_runtime_classes
	input.pod.spec.runtimeClassName == class
	not _asks_for_gpu
	_judged
	msg := sprintf("runtime class %s is for pods with a GPU, and no container asks for one; leave it out", [class])
}

_asks_for_gpu if {
	some list in pods.container_lists
	some container in input.pod.spec[list]
	_has_gpu(container)
}

# By a resource of which it wants more than 0.
_has_gpu(container) if {
	some section in ["limits", "requests"]
	is_object(container.resources[section])
	some name, quantity in container.resources[section]
	patterns.matches_any(input.params.gpu_resources, name)
	not _is_zero(quantity)
}

# A device of a claim may be a GPU.
_has_gpu(container) if {
	is_array(container.resources.claims)
	count(container.resources.claims) > 0
}

_is_zero(quantity) if quantities.nano(quantity) == 0
