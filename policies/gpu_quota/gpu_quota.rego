# METADATA
# title: GPU quota
# description: >-
#   Pods and device claims ask for no more GPU than their tenant may have, of the
#   resources and device classes that it may have, counted in units: one unit is one
#   whole GPU. A pod counts by Kubernetes' own rule, a claim as the worst that it
#   could be given. What the tenant holds in all is kept in its QuotaLedger, over the
#   very version of which every pod and claim with GPUs is decided.
# custom:
#   severity: high
#   checks:
#     untenanted: GPUs go to tenants' namespaces only
#     not-granted: the tenant is granted GPUs at all
#     resource: the tenant may use the GPU resource
#     weight: what the resource is worth in GPU units is known
#     quantity: every amount is a quantity, and not negative
#     whole-number: GPUs are asked for in whole numbers
#     limit-required: GPUs are asked for as limits, because kubelet needs a limit
#     request-equals-limit: a request of GPUs equals its limit
#     pod-level: GPUs are asked for by containers, not by the pod as a whole
#     per-container: no container asks for more GPU than one container may
#     per-pod: no pod asks for more GPU than one pod may
#     claim-source: every claim of a pod is one claim or one template
#     pod-claims: a pod has no more claims than its GPU limit allows for
#     device-class: the tenant may use the device class
#     allocation-mode: claims ask for a number of devices
#     device-count: the number of devices is a whole number above zero
#     claim-units: no claim could be given more GPU than one container and one pod may have
#     claim-metadata: what marks a claim as charged, or as charged with its pod, is written by usher and the schedulers alone
#     tenant-units: all of a tenant's pods and claims hold no more GPU than it may
#     namespace-units: those of one namespace hold no more than one namespace may
#     resource-cap: the tenant holds no more of a GPU resource than it may
#     shape: the pod or the claim is made as Kubernetes makes them
#   parameters:
#     untenanted:
#       description: >-
#         "deny" refuses GPUs in namespaces without a tenant; "allow" leaves them
#         unlimited there
#       default: deny
#     gpu_resources:
#       description: >-
#         patterns of the resources that are GPUs, in lower case, with * at the
#         beginning or the end for any text. Whatever else a container asks for is
#         none of this policy's business
#       default: ["nvidia.com/*", "amd.com/gpu*", "gpu.intel.com/*", "habana.ai/*", "*gpu*"]
#     gpu_device_classes:
#       description: >-
#         patterns of the DRA device classes that are GPUs. Classes that match none
#         are free for everyone
#       default: ["*"]
#     weights:
#       description: >-
#         how many GPU units one of a resource is worth, as "3/7" or a quantity, by the
#         resource's name; deviceclass.resource.kubernetes.io/CLASS for a device of a
#         class. Needed for whatever is not NVIDIA's, for GPUs that are shared under
#         the name nvidia.com/gpu, and for GPUs without seven slices
#       default: {}
#     mig_slices:
#       description: the compute slices of a GPU, of which the MIG profile Ng.MgB has N
#       default: 7
#     shared_replicas:
#       description: >-
#         the replicas that the device plugin makes of each GPU or MIG device that it
#         shares under a name that ends in .shared
#       default: 1
#     max_pod_claims:
#       description: >-
#         how many device claims a pod may have where its tenant's GPUs are limited. A
#         claim is judged when it is made and may be worth as much as a whole pod, so
#         this many times the limit is what a pod can get; GPUs beside claims count as
#         one claim more
#       default: 1
#     max_all_devices:
#       description: >-
#         how many devices allocationMode All may come to, such as the GPUs of the
#         largest node; null refuses it, because nothing bounds it
#       default: null
#     claim_writers:
#       description: >-
#         who makes claims for pods that were judged before: the schedulers, for
#         extended resources that devices back (KEP-5004)
#       default:
#         users: ["system:kube-scheduler", "system:serviceaccount:usher-system:usher-scheduler"]
#         groups: []
package usher.gpu_quota

import data.usher.lib.claims
import data.usher.lib.pods

deny contains {"check": "shape", "msg": problem.msg, "path": problem.path} if {
	some problem in pods.malformed
}

deny contains {"check": "shape", "msg": problem.msg, "path": problem.path} if {
	some problem in claims.malformed
}

deny contains {"check": "shape", "msg": "resources is not an object; write limits and requests below it", "path": path} if {
	some list in pods.container_lists
	some i, container in input.pod.spec[list]
	_is_misplaced(container.resources)
	path := sprintf("/spec/%s/%v/resources", [list, i])
}

deny contains {"check": "shape", "msg": msg, "path": path} if {
	some list in pods.container_lists
	some section in ["limits", "requests"]
	some i, container in input.pod.spec[list]
	_is_misplaced(container.resources[section])
	msg := sprintf("%s is not an object; write resources and their amounts below it", [section])
	path := sprintf("/spec/%s/%v/resources/%s", [list, i, section])
}

_is_misplaced(value) if {
	not is_object(value)
	value != null
}
