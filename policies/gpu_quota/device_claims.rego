package usher.gpu_quota

import data.usher.lib.claims
import data.usher.lib.gpus
import data.usher.lib.quantities
import data.usher.lib.resources
import data.usher.lib.tenants

# The devices of a claim that are to be judged. What a scheduler claims for a pod's
# extended resources was judged with the pod.
_devices := [device |
	not _is_by_claim_writer
	not claims.keeps_spec
	some device in claims.devices
	not _is_no_gpu(device.device)
]

_is_by_claim_writer if tenants.requester_among(input.params.claim_writers)

_is_no_gpu(device) if {
	is_string(device.deviceClassName)
	not gpus.is_gpu_class(device.deviceClassName)
}

deny contains {"check": _refusal.check, "msg": msg, "path": device.path} if {
	some device in _devices
	msg := sprintf("a device claim may be a GPU: %s", [_refusal.msg])
}

deny contains {"check": "device-class", "msg": msg, "path": sprintf("%s/deviceClassName", [device.path])} if {
	some device in _devices
	_grant
	msg := _class_problem(_class(device.device))
}

_class(device) := device.deviceClassName if {
	is_string(device.deviceClassName)
} else := ""

deny contains {"check": "allocation-mode", "msg": msg, "path": sprintf("%s/allocationMode", [device.path])} if {
	some device in _devices
	not _is_free
	mode := device.device.allocationMode
	not mode in {"ExactCount", "", null}
	not _all_devices(mode)
	msg := sprintf(
		"allocation mode %s has no bound; use ExactCount and a count",
		[json.marshal(mode)],
	)
}

deny contains {"check": "device-count", "msg": msg, "path": sprintf("%s/count", [device.path])} if {
	some device in _devices
	_ = device.device.count
	not _counted(device.device)
	msg := sprintf("device count %s is not a whole number above zero; write one", [json.marshal(device.device.count)])
}

deny contains {"check": "claim-units", "msg": msg, "path": claims.path} if {
	bound := min([bound | some name in ["perContainer", "perPod"]; bound := _bound(name)])
	gpus.exceeds(_claim_units, bound)
	msg := sprintf(
		"the claim may be given %s GPU; at most %s, since a container that uses it gets all of it",
		[gpus.text(_claim_units), _bound_text(bound)],
	)
}

# The most that the scheduler could give: of each request its dearest alternative.
# Administrative access shares what others hold.
_claim_units := gpus.total([dearest |
	holding := [device | some device in _devices; not device.device.adminAccess == true]
	some request in {device.request | some device in holding}
	parts := [part |
		some device in holding
		device.request == request
		part := {"count": _worst_count(device.device), "weight": _device_weight(device.device)}
	]
	dearest := [part | some part in parts; _is_dearest(part, parts)][0]
])

_is_dearest(part, parts) if {
	every other in parts { not gpus.is_more(gpus.total([other]), gpus.total([part])) }
}

# Without a class, or with a weight that cannot be read, a device is a whole GPU.
_device_weight(device) := gpus.weight(sprintf("%s%s", [resources.device_class_prefix, _class(device)])) if {
	gpus.weight(sprintf("%s%s", [resources.device_class_prefix, _class(device)]))
} else := {"of": 1, "per": 1}

_worst_count(device) := _all_devices(device.allocationMode) if {
	_all_devices(device.allocationMode)
} else := _counted(device) if {
	_counted(device)
} else := 1

# How many devices All may come to, where the platform team bounds it.
_all_devices(mode) := quantities.ceiling(quantities.nano(input.params.max_all_devices)) if {
	mode == "All"
	quantities.nano(input.params.max_all_devices) >= 0
}

# Kubernetes reads 0 as 1.
_counted(device) := max([1, quantities.ceiling(amount)]) if {
	amount := quantities.nano(device.count)
	amount >= 0
	amount % quantities.one == 0
}
