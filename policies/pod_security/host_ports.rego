package usher.pod_security

import data.usher.lib.pods

# A port of the node takes traffic past the network policies of the namespace.
_host_ports contains _violation("hostPorts", msg, path) if {
	some list in pods.container_lists
	some i, c in input.pod.spec[list]
	some j, port in c.ports
	value := port.hostPort
	not value in {0, null}
	msg := sprintf("hostPort is %v; leave it out and let a Service give access", [value])
	path := sprintf("/spec/%s/%v/ports/%v/hostPort", [list, i, j])
}
