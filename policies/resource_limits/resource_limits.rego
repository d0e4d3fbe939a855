# METADATA
# title: Resource limits
# description: >-
#   Every container says how much CPU and memory it needs and may use, within
#   the platform's bounds. Defaults are injected into new pods where nothing is
#   given; a pod template is judged as its pods will be, and left as it is.
# custom:
#   severity: medium
#   checks:
#     required: every container has the requests and limits that the platform requires, or its pod has them
#     quantity: every amount is a quantity, and not negative
#     request-over-limit: no request is above its limit
#     request-equals-limit: requests of GPUs, other extended resources and huge pages equal their limits
#     container-max: no container asks for more than one container may
#     container-min: no container asks for less than a container must
#     pod-max: no pod asks for more than one pod may, by Kubernetes' own rule for the sum of its containers
#     pod-min: no pod asks for less than a pod must
#     ratio: no limit is too many times its request
#     shape: the pod is made as Kubernetes makes pods
#     parameters: the parameters of this policy make sense
#   parameters:
#     inject_defaults:
#       description: whether new pods get default requests and limits of CPU and memory where they have none
#       default: true
#     default_limits:
#       description: >-
#         the limits that are injected, cpu and memory; a given request that is
#         higher is the limit, and bounds apply
#       default:
#         cpu: "1"
#         memory: 1Gi
#     default_requests:
#       description: >-
#         the requests that are injected, cpu and memory; never above the limit,
#         and equal to a given limit
#       default:
#         cpu: 500m
#         memory: 512Mi
#     required:
#       description: >-
#         what every container has to say, as limits.NAME and requests.NAME; the
#         pod's own resources may say it for all containers. A limit of 0 CPU or
#         memory is none, because Kubernetes sets no limit then
#       default: [limits.cpu, limits.memory, requests.cpu, requests.memory]
#     container_max:
#       description: >-
#         the most that one container may ask for, by resource; null or "" is no
#         bound. A container without a CPU, memory or ephemeral-storage limit has no
#         most, so where there is a bound it needs the limit
#       default: {}
#     container_min:
#       description: the least CPU, memory or ephemeral storage that a container must ask for, and of other resources where it asks for them
#       default: {}
#     pod_max:
#       description: the most that one pod may ask for, by resource
#       default: {}
#     pod_min:
#       description: the least that one pod must ask for, by resource
#       default: {}
#     max_ratio:
#       description: how many times its request a limit may be, by resource, for containers and for the pod's own resources
#       default: {}
package usher.resource_limits

import data.usher.lib.pods

deny contains {"check": "shape", "msg": problem.msg, "path": problem.path} if {
	some problem in pods.malformed
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

deny contains {"check": "shape", "msg": "resources is not an object; write limits and requests below it", "path": "/spec/resources"} if {
	_is_misplaced(input.pod.spec.resources)
}

deny contains {"check": "shape", "msg": msg, "path": sprintf("/spec/resources/%s", [section])} if {
	some section in ["limits", "requests"]
	_is_misplaced(input.pod.spec.resources[section])
	msg := sprintf("%s is not an object; write resources and their amounts below it", [section])
}

deny contains {"check": "shape", "msg": "overhead is not an object; write resources and their amounts below it", "path": "/spec/overhead"} if {
	_is_misplaced(input.pod.spec.overhead)
}

_is_misplaced(value) if {
	not is_object(value)
	value != null
}
