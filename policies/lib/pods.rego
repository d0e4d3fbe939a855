# METADATA
# title: Pods
# description: Where a pod keeps its containers, and whether it keeps them as Kubernetes does.
package usher.lib.pods

# The names of every list of containers in a pod's spec.
container_lists := ["initContainers", "containers", "ephemeralContainers"]

# What stands where a container list, a container or the spec belongs, and is
# something else. The API server refuses such a pod; a pod template in a custom
# resource and a file under review may hold anything. A policy denies for these, so
# that no container escapes it by an odd type.
malformed contains {"path": "/spec", "msg": "spec is not an object; write a pod's spec"} if {
	is_object(input.pod)
	not is_object(object.get(input.pod, "spec", null))
}

malformed contains {"path": sprintf("/spec/%s", [list]), "msg": msg} if {
	some list in container_lists
	containers := input.pod.spec[list]
	not is_array(containers)
	containers != null
	msg := sprintf("%s is not a list; write a list of containers", [list])
}

malformed contains {"path": sprintf("/spec/%s/%d", [list, i]), "msg": "a container is not an object; write one with name and image"} if {
	some list in container_lists
	is_array(input.pod.spec[list])
	some i, container in input.pod.spec[list]
	not is_object(container)
}

# A pod that is being made may be amended. So may a template: it is judged as its
# pods will be, and stays as it is.
amendable if {
	input.pod.path == ""
	input.request.operation == "CREATE"
}

amendable if input.pod.path != ""

# A sidecar, in initContainers: it keeps running beside the containers (KEP-753).
default is_sidecar(_) := false

is_sidecar(container) if container.restartPolicy == "Always"
