package usher.pod_security

# In a namespace of the node a pod sees the node's network, processes or shared memory.
_host_namespaces contains _host_namespace("hostIPC") if _true(input.pod.spec.hostIPC)

_host_namespaces contains _host_namespace("hostNetwork") if _true(input.pod.spec.hostNetwork)

_host_namespaces contains _host_namespace("hostPID") if _true(input.pod.spec.hostPID)

_host_namespace(field) := _violation("hostNamespaces", msg, sprintf("/spec/%s", [field])) if {
	msg := sprintf("%s is true; leave it out or set it to false", [field])
}
