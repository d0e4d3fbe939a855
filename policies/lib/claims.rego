# METADATA
# title: Device claims
# description: |
#   What a ResourceClaim or ResourceClaimTemplate asks for, in every shape that the
#   API has had: v1 and v1beta2 ask by exactly or firstAvailable, v1beta1 in the
#   request itself or by firstAvailable.
package usher.lib.claims

# The object under review is a claim or a template of claims.
under_review if {
	input.request.kind.group == "resource.k8s.io"
	input.request.kind.kind in {"ResourceClaim", "ResourceClaimTemplate"}
}

_is_template if input.request.kind.kind == "ResourceClaimTemplate"

# The claim or template as it is to be. Each rule names its kind, so that usher
# sees that of a pod nothing is read here.
reviewed := input.request.object if {
	under_review
	input.request.kind.kind == "ResourceClaim"
}

reviewed := input.request.object if {
	under_review
	input.request.kind.kind == "ResourceClaimTemplate"
}

# The same as it was, on UPDATE.
before := input.request.oldObject if {
	under_review
	input.request.operation == "UPDATE"
	input.request.kind.kind == "ResourceClaim"
}

before := input.request.oldObject if {
	under_review
	input.request.operation == "UPDATE"
	input.request.kind.kind == "ResourceClaimTemplate"
}

# Labels of a claim may change long after it was made; its devices cannot.
keeps_spec if reviewed.spec == before.spec

_devices := reviewed.spec.devices if not _is_template

_devices := reviewed.spec.spec.devices if _is_template

# The JSON pointer to what the claim asks for.
default path := "/spec/devices"

path := "/spec/spec/devices" if _is_template

# Every device that the claim may get: {"request", "path", "device"}, where request
# numbers the request, path leads to the device's fields, and device holds them.
# Of one request with several, the scheduler chooses one.
devices := array.concat(array.concat(_exact, _alternatives), _direct)

_exact := [{"request": i, "path": sprintf("%s/requests/%v/exactly", [path, i]), "device": request.exactly} |
	some i, request in _devices.requests
	is_object(request.exactly)
]

_alternatives := [{"request": i, "path": sprintf("%s/requests/%v/firstAvailable/%v", [path, i, j]), "device": device} |
	some i, request in _devices.requests
	some j, device in request.firstAvailable
	is_object(device)
]

_direct := [{"request": i, "path": sprintf("%s/requests/%v", [path, i]), "device": request} |
	some i, request in _devices.requests
	_asks_itself(request)
]

# v1beta1 writes an empty class beside firstAvailable.
_asks_itself(request) if not request.deviceClassName in {"", null}

_asks_itself(request) if request.adminAccess

_asks_itself(request) if {
	not request.exactly
	not request.firstAvailable
}

# What is not as any version of the API has it: {"path", "msg"}. The API server
# refuses it; a policy denies, so that nothing passes that it cannot read.
malformed contains {"path": "/spec", "msg": "spec is not an object; write a claim's spec"} if {
	_is_misplaced(reviewed.spec)
}

malformed contains {"path": "/spec/spec", "msg": "spec is not an object; write a claim's spec"} if {
	_is_template
	_is_misplaced(reviewed.spec.spec)
}

malformed contains {"path": path, "msg": "devices is not an object; write a list of requests below it"} if {
	_is_misplaced(_devices)
}

malformed contains {"path": sprintf("%s/requests", [path]), "msg": "requests is not a list; write a list of device requests"} if {
	requests := _devices.requests
	not is_array(requests)
	requests != null
}

malformed contains {"path": sprintf("%s/requests/%v", [path, i]), "msg": msg} if {
	some i, request in _devices.requests
	not is_object(request)
	msg := "a request is not an object; write exactly or firstAvailable below it"
}

malformed contains {"path": sprintf("%s/requests/%v/exactly", [path, i]), "msg": msg} if {
	some i, request in _devices.requests
	value := request.exactly
	not is_object(value)
	value != null
	msg := "exactly is not an object; write deviceClassName below it"
}

malformed contains {"path": sprintf("%s/requests/%v/firstAvailable", [path, i]), "msg": msg} if {
	some i, request in _devices.requests
	value := request.firstAvailable
	not is_array(value)
	value != null
	msg := "firstAvailable is not a list; write a list of alternatives"
}

malformed contains {"path": sprintf("%s/requests/%v/firstAvailable/%v", [path, i, j]), "msg": msg} if {
	some i, request in _devices.requests
	some j, device in request.firstAvailable
	not is_object(device)
	msg := "an alternative is not an object; write deviceClassName below it"
}

_is_misplaced(value) if {
	not is_object(value)
	value != null
}
