package usher.resource_limits

deny contains {"check": "required", "msg": msg, "path": path} if {
	some container in _lasting_containers
	some requirement in _required
	object.get(container[requirement.section], requirement.name, 0) == 0
	_lacks(container, requirement.section, requirement.name)
	not _is_covered(requirement.section, requirement.name)
	msg := sprintf("%s %s; %s", [
		requirement.name,
		_absence(container, requirement.section, requirement.name),
		_advice(requirement.name),
	])
	path := _path(container, requirement.section, requirement.name)
}

# Whether the check above speaks of a missing amount, so that others need not.
_is_required(section, name) if {"section": section, "name": name} in _required

_absence(container, section, name) := sprintf(
	"limit %s means no limit",
	[_shown(container, section, name)],
) if {
	container[section][name] == 0
}

_absence(container, section, name) := sprintf("%s is not set", [_singular[section]]) if {
	not container[section][name]
}

# What would pass.
_advice(name) := sprintf("set one of at least %s and at most %s", [least, most]) if {
	least := _bound("container_min", name)
	most := _bound("container_max", name)
} else := sprintf("set one of at most %s", [most]) if {
	most := _bound("container_max", name)
} else := sprintf("set one of at least %s", [least]) if {
	least := _bound("container_min", name)
} else := "set one"

# A bound as the parameter gives it, if it gives a valid one.
_bound(parameter, name) := _option(input.params[parameter], name).text
