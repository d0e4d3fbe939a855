package usher.resource_limits

import data.usher.lib.quantities
import data.usher.lib.resources

# Bounds by parameter and resource, in nano units.
_bounds := {parameter: resources.amounts(bounds) |
	some parameter in ["container_max", "container_min", "pod_max", "pod_min", "max_ratio"]
	bounds := input.params[parameter]
	not is_null(bounds)
}

# What every container has to say: {"section", "name"}.
_required := [{"section": parts[0], "name": concat(".", array.slice(parts, 1, count(parts)))} |
	some item in input.params.required
	_is_requirement(item)
	parts := split(item, ".")
]

default _injects_defaults := false

_injects_defaults if input.params.inject_defaults == true

deny contains {"check": "parameters", "msg": msg} if {
	some parameter, amounts in _bounds
	count(amounts) != count(input.params[parameter])
	some name, quantity in input.params[parameter]
	not quantity in {null, ""}
	not _is_amount(quantity)
	msg := sprintf(
		"parameter %s gives %v for %v, which is no quantity; the platform team has to correct it",
		[parameter, json.marshal(quantity), name],
	)
}

# Defaults matter where something is missing.
deny contains {"check": "parameters", "msg": msg} if {
	_has_gaps
	some parameter in ["default_limits", "default_requests"]
	some name, quantity in input.params[parameter]
	not quantity in {null, ""}
	not _is_amount(quantity)
	msg := sprintf(
		"parameter %s gives %v for %v, which is no quantity; the platform team has to correct it",
		[parameter, json.marshal(quantity), name],
	)
}

deny contains {"check": "parameters", "msg": msg} if {
	_has_gaps
	some parameter in ["default_limits", "default_requests"]
	some name, _ in input.params[parameter]
	not name in {"cpu", "memory"}
	msg := sprintf(
		"parameter %s names %v, and defaults are injected for cpu and memory alone; the platform team has to correct it",
		[parameter, name],
	)
}

deny contains {"check": "parameters", "msg": msg} if {
	count(_required) != count(input.params.required)
	some item in input.params.required
	not _is_requirement(item)
	msg := sprintf(
		"parameter required lists %v, which is not limits.NAME or requests.NAME; the platform team has to correct it",
		[json.marshal(item)],
	)
}

_has_gaps if {
	some container in _lasting_containers
	some section in ["limits", "requests"]
	some name in ["cpu", "memory"]
	not container[section][name]
}

_is_amount(quantity) if quantities.nano(quantity) >= 0

_is_requirement(item) if {
	is_string(item)
	some prefix in ["limits.", "requests."]
	startswith(item, prefix)
	item != prefix
}
