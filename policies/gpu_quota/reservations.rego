package usher.gpu_quota

import data.usher.lib.gpus

deny_reservation contains {"check": "tenant-units", "msg": msg} if {
	limit := input.quota.hard.units
	held := input.quota.used.units
	reserved := input.quota.reserved.units
	asked := input.quota.request.units
	left := max([limit - (held + reserved), 0])
	asked > left
	msg := sprintf("%s, and of the tenant's %s %s: %s%s%s; %s", [
		_asks(sprintf("%s GPU", [gpus.millionths(asked)])),
		gpus.millionths(limit),
		_left_text(gpus.millionths(left)),
		_taken_text(gpus.millionths(held), gpus.millionths(reserved)),
		_holders_text,
		_freeing_text,
		_advice(asked, limit, left, gpus.millionths(limit), gpus.millionths(left)),
	])
}

deny_reservation contains {"check": "namespace-units", "msg": msg} if {
	limit := input.quota.hard.namespace_units
	held := input.quota.used.namespace_units
	reserved := input.quota.reserved.namespace_units
	asked := input.quota.request.units
	left := max([limit - (held + reserved), 0])
	asked > left
	msg := sprintf("%s, and of the %s that one namespace may hold %s: %s; %s", [
		_asks(sprintf("%s GPU", [gpus.millionths(asked)])),
		gpus.millionths(limit),
		_left_text(gpus.millionths(left)),
		_taken_text(gpus.millionths(held), gpus.millionths(reserved)),
		_advice(asked, limit, left, gpus.millionths(limit), gpus.millionths(left)),
	])
}

deny_reservation contains {"check": "resource-cap", "msg": msg} if {
	some name, limit in input.quota.hard.resources
	held := object.get(input.quota.used.resources, name, 0)
	reserved := object.get(input.quota.reserved.resources, name, 0)
	asked := object.get(input.quota.request.resources, name, 0)
	left := max([limit - (held + reserved), 0])
	asked > left
	msg := sprintf("%s, and of the tenant's %d %s: %s; %s", [
		_asks(sprintf("%d %s", [asked, name])),
		limit,
		_left_text(format_int(left, 10)),
		_taken_text(format_int(held, 10), format_int(reserved, 10)),
		_advice(asked, limit, left, format_int(limit, 10), format_int(left, 10)),
	])
}

# One pod or claim, or all replicas of a workload together.
_asks(amount) := sprintf("%d replicas ask for %s together", [input.quota.request.replicas, amount]) if {
	input.quota.request.replicas > 1
} else := sprintf("%s asked for", [amount])

_left_text("0") := "none is left"

_left_text(amount) := "1 is left" if amount == "1"

_left_text(amount) := sprintf("%s are left", [amount]) if not amount in {"0", "1"}

_taken_text(held, "0") := sprintf("%s held", [held])

_taken_text(held, reserved) := sprintf("%s held, %s reserved for what was just admitted", [held, reserved]) if reserved != "0"

default _holders_text := ""

_holders_text := sprintf(", most by %s", [concat(", ", names)]) if {
	names := [sprintf("%s/%s (%s)", [holder.namespace, holder.name, gpus.millionths(holder.units)]) |
		some holder in input.quota.holders
	]
	count(names) > 0
}

default _freeing_text := ""

_freeing_text := sprintf("; %s being freed", [gpus.millionths(input.quota.freeing.units)]) if input.quota.freeing.units > 0

_advice(asked, limit, _, limit_text, _) := sprintf("ask for at most %s", [limit_text]) if asked > limit

_advice(asked, limit, left, _, left_text) := sprintf("ask for at most %s, or wait until others end", [left_text]) if {
	asked <= limit
	left > 0
}

_advice(asked, limit, 0, _, _) := "wait until others end, or delete what is not needed" if asked <= limit
