package usher.pod_security

import data.usher.lib.pods

# The kubelet makes these calls from the node: a host of the pod's choice makes it a proxy into the
# node's network.
_host_handlers(profile) := _handlers_elsewhere if {
	profile.minor >= 34
} else := set()

_handlers_elsewhere contains _handler(host, [list, i, probe, action]) if {
	some list in pods.container_lists
	some i, c in input.pod.spec[list]
	some probe in ["livenessProbe", "readinessProbe", "startupProbe"]
	some action
	host := c[probe][action].host
	not host in {"", null}
}

_handlers_elsewhere contains _handler(host, [list, i, handler, action]) if {
	some list in pods.container_lists
	some i, c in input.pod.spec[list]
	some event, action
	host := c.lifecycle[event][action].host
	not host in {"", null}
	handler := sprintf("lifecycle/%s", [event])
}

_handler(host, place) := _violation("hostProbesAndHostLifecycle", msg, path) if {
	msg := sprintf("host is %s; leave it out, and the pod's own address is called", [json.marshal(host)])
	path := sprintf("/spec/%s/%v/%s/%s/host", place)
}
