# METADATA
# title: Tenants
# description: Which tenant the request's namespace belongs to, what its node pool is, and who asks.
package usher.lib.tenants

default label := "tenant"

# The label of a namespace that names its tenant. It is also the default key
# of a pool's taint and of its nodes' label.
label := input.config.tenant_label if {
	is_string(input.config.tenant_label)
	input.config.tenant_label != ""
}

# Undefined where the namespace belongs to no tenant.
name := input.tenant.metadata.name

# A tenant that the label names but nobody declared has metadata alone. One
# that was declared with an empty spec has at least its kind.
declared if is_object(input.tenant.spec)

declared if is_string(input.tenant.kind)

missing if {
	is_string(name)
	not declared
}

# The tenant's nodes, with the defaults of the Tenant kind filled in.
# Undefined where the tenant has no pool of its own.
pool := {"isolation": _isolation, "selector": _selector, "taint": _taint} if {
	is_object(input.tenant.spec.nodePool)
}

default _isolation := "Hard"

# Hard unless it says Soft, so that an unknown word never loosens anything.
_isolation := "Soft" if input.tenant.spec.nodePool.isolation == "Soft"

default _selector_given := false

_selector_given if count(input.tenant.spec.nodePool.nodeSelector) > 0

_selector := input.tenant.spec.nodePool.nodeSelector if _selector_given

_selector := {label: name} if not _selector_given

default _taint_given := false

_taint_given if is_string(input.tenant.spec.nodePool.taint.key)

_taint := {
	"effect": _taint_effect,
	"key": input.tenant.spec.nodePool.taint.key,
	"value": _taint_value,
} if {
	_taint_given
}

_taint := {"effect": "NoSchedule", "key": label, "value": name} if not _taint_given

default _taint_effect := "NoSchedule"

_taint_effect := input.tenant.spec.nodePool.taint.effect if {
	is_string(input.tenant.spec.nodePool.taint.effect)
	input.tenant.spec.nodePool.taint.effect != ""
}

default _taint_value := ""

_taint_value := input.tenant.spec.nodePool.taint.value if is_string(input.tenant.spec.nodePool.taint.value)

# Whether who sent the request is among `identities`, an object with the
# lists `users` and `groups`. A service account is the user
# system:serviceaccount:<namespace>:<name>.
requester_among(identities) if input.request.userInfo.username in identities.users

requester_among(identities) if {
	some group in input.request.userInfo.groups
	group in identities.groups
}

# The requester as a message names it.
default requester := "an unnamed user"

requester := sprintf("user %q", [input.request.userInfo.username]) if {
	is_string(input.request.userInfo.username)
	input.request.userInfo.username != ""
}

# The same for those who may: "user x, group y".
described(identities) := concat(", ", array.concat(
	[sprintf("user %s", [user]) | some user in identities.users],
	[sprintf("group %s", [group]) | some group in identities.groups],
))
