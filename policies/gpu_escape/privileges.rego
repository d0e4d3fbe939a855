package usher.gpu_escape

import data.usher.lib.pods

deny contains {"check": "host-ipc", "msg": msg, "path": "/spec/hostIPC"} if {
	_is_on(input.pod.spec.hostIPC)
	_judged
	msg := "hostIPC lets the pod talk to other tenants' GPU processes; leave it out"
}

deny contains {"check": "privileged", "msg": msg, "path": path} if {
	some list in pods.container_lists
	some i, container in input.pod.spec[list]
	_is_on(container.securityContext.privileged)
	_judged
	msg := "privileged is true, which gives every GPU of the node; leave it out, and ask for GPUs in resources.limits"
	path := sprintf("/spec/%s/%v/securityContext/privileged", [list, i])
}

deny contains {"check": "privileged", "msg": msg, "path": path} if {
	some list in pods.container_lists
	some i, container in input.pod.spec[list]
	_is_on(container.securityContext.windowsOptions.hostProcess)
	_judged
	msg := "hostProcess is true, which gives every GPU of the node; leave it out, and ask for GPUs in resources.limits"
	path := sprintf("/spec/%s/%v/securityContext/windowsOptions/hostProcess", [list, i])
}

deny contains {"check": "privileged", "msg": msg, "path": path} if {
	_is_on(input.pod.spec.securityContext.windowsOptions.hostProcess)
	_judged
	msg := "hostProcess is true, which gives every GPU of the node; leave it out, and ask for GPUs in resources.limits"
	path := "/spec/securityContext/windowsOptions/hostProcess"
}

deny contains {"check": "capability", "msg": msg, "path": path} if {
	some list in pods.container_lists
	some i, container in input.pod.spec[list]
	some j, capability in container.securityContext.capabilities.add
	_is_forbidden(capability)
	_judged
	msg := sprintf("capability %v makes the container as good as privileged; leave it out", [capability])
	path := sprintf("/spec/%s/%v/securityContext/capabilities/add/%v", [list, i, j])
}

# Runtimes take capabilities with and without CAP_, in any case.
_is_forbidden(capability) if not is_string(capability)

_is_forbidden(capability) if trim_prefix(upper(capability), "CAP_") in input.params.forbidden_capabilities

# A switch that is neither off nor left out.
_is_on(value) if not value in {false, null}
