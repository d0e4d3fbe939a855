package usher.gpu_quota

import data.usher.lib.gpus
import data.usher.lib.patterns
import data.usher.lib.quantities
import data.usher.lib.resources

# What the tenant is granted. A tenant that nobody declared is granted nothing.
_grant := input.tenant.spec.gpu if is_object(input.tenant.spec.gpu)

_is_untenanted if not input.tenant

# GPUs are free in namespaces without a tenant.
_is_free if {
	_is_untenanted
	input.params.untenanted == "allow"
}

# Nothing is granted here: {"check", "msg"}.
_refusal := {"check": "untenanted", "msg": msg} if {
	_is_untenanted
	not _is_free
	msg := "the namespace belongs to no tenant, and GPUs go to tenants only; use a tenant's namespace"
}

_refusal := {"check": "not-granted", "msg": msg} if {
	not _is_untenanted
	not _grant
	msg := "the tenant is granted no GPU; ask the platform team for spec.gpu of its Tenant"
}

deny contains {"check": _refusal.check, "msg": msg, "path": _path(ask)} if {
	some ask in _asked
	msg := sprintf("%s is a GPU: %s", [ask.name, _refusal.msg])
}

deny contains {"check": "resource", "msg": msg, "path": _path(ask)} if {
	some ask in _asked
	_grant
	not startswith(ask.name, resources.device_class_prefix)
	not _may_use(ask.name)
	msg := sprintf(
		"the tenant may not use %s; ask for one of %s",
		[ask.name, concat(", ", [name | some name in _granted_resources; is_string(name)])],
	)
}

# The resource of a device class is as good as a claim of one (KEP-5004).
deny contains {"check": "device-class", "msg": msg, "path": _path(ask)} if {
	some ask in _asked
	_grant
	startswith(ask.name, resources.device_class_prefix)
	msg := _class_problem(trim_prefix(ask.name, resources.device_class_prefix))
}

deny contains {"check": "weight", "msg": msg, "path": _path(ask)} if {
	some ask in _asked
	_grant
	_may_use(ask.name)
	not gpus.weight(ask.name)
	msg := sprintf(
		"what %s is worth in GPUs is not known; the platform team says so in the parameter weights of gpu_quota",
		[ask.name],
	)
}

_may_use(name) if {
	not startswith(name, resources.device_class_prefix)
	patterns.matches_any(_granted_resources, name)
}

_may_use(name) if {
	startswith(name, resources.device_class_prefix)
	not _class_problem(trim_prefix(name, resources.device_class_prefix))
}

default _granted_resources := ["nvidia.com/gpu"]

_granted_resources := _grant.resources if {
	is_array(_grant.resources)
	count(_grant.resources) > 0
}

# Why the tenant may not name a device class; undefined if it may.
_class_problem(class) := "the tenant may use no device class; ask for GPU resources of a container instead" if {
	not _has_classes
} else := msg if {
	not class in _grant.deviceClasses
	msg := sprintf(
		"the tenant may not use device class %s; name one of %s",
		[json.marshal(class), concat(", ", [name | some name in _grant.deviceClasses; is_string(name)])],
	)
}

_has_classes if {
	some class in _grant.deviceClasses
	is_string(class)
}

# The most that one container, and one pod, may have, in nano units; undefined
# where there is no bound. A bound that cannot be read is 0.
_bound(name) := amount if {
	amount := quantities.nano(_grant[name])
} else := 0 if {
	_grant[name] != null
}

_bound_text(amount) := gpus.text({"of": amount - (amount % 1000), "per": quantities.one})
