package usher.resource_limits

import data.usher.lib.resources

deny contains {"check": "container-max", "msg": msg, "path": path} if {
	some name, most in _bounds.container_max
	some container in _containers
	some section in ["limits", "requests"]
	container[section][name] > most
	msg := sprintf("%s %s %s is too much; at most %s per container", [
		name,
		_singular[section],
		_shown(container, section, name),
		_bound("container_max", name),
	])
	path := _path(container, section, name)
}

deny contains {"check": "container-max", "msg": msg, "path": path} if {
	some name, _ in _bounds.container_max
	resources.is_unlimited_without_limit(name)
	some container in _lasting_containers
	object.get(container.limits, name, 0) == 0
	_lacks(container, "limits", name)
	not _is_covered("limits", name)
	not _is_required("limits", name)
	msg := sprintf("%s %s; %s", [name, _absence(container, "limits", name), _advice(name)])
	path := _path(container, "limits", name)
}

# A container without a limit of its own may use as much as its pod.
deny contains {"check": "container-max", "msg": msg, "path": path} if {
	some pod in _whole_pod
	some name, most in _bounds.container_max
	resources.is_unlimited_without_limit(name)
	pod.limits[name] > most
	some container in _lasting_containers
	object.get(container.limits, name, 0) == 0
	_lacks(container, "limits", name)
	msg := sprintf("%s %s, and the pod's is %s; set one of at most %s", [
		name,
		_absence(container, "limits", name),
		_shown(pod, "limits", name),
		_bound("container_max", name),
	])
	path := _path(container, "limits", name)
}

deny contains {"check": "container-min", "msg": msg, "path": path} if {
	some name, least in _bounds.container_min
	some container in _containers
	some section in ["limits", "requests"]
	container[section][name] < least
	not _lacks(container, section, name)
	msg := sprintf("%s %s %s is too little; at least %s per container", [
		name,
		_singular[section],
		_shown(container, section, name),
		_bound("container_min", name),
	])
	path := _path(container, section, name)
}

deny contains {"check": "container-min", "msg": msg, "path": path} if {
	some name, least in _bounds.container_min
	least > 0
	resources.is_unlimited_without_limit(name)
	some container in _lasting_containers
	object.get(container.requests, name, 0) == 0
	_lacks(container, "requests", name)
	not _is_covered("requests", name)
	not _is_required("requests", name)
	msg := sprintf("%s %s; %s", [name, _absence(container, "requests", name), _advice(name)])
	path := _path(container, "requests", name)
}
