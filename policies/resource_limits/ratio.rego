package usher.resource_limits

import data.usher.lib.quantities
import data.usher.lib.resources

deny contains {"check": "ratio", "msg": msg, "path": path} if {
	some name, _ in _bounds.max_ratio
	some container in _containers_and_pod
	_exceeds_ratio(container.limits[name], container.requests[name], name)
	not _lacks(container, "limits", name)
	msg := sprintf(
		"%s limit %s is more than %s times the request %s; ask for more or set a lower limit",
		[
			name,
			_shown(container, "limits", name),
			_bound("max_ratio", name),
			_shown(container, "requests", name),
		],
	)
	path := _path(container, "limits", name)
}

# Without a limit there is no ratio, and it may be anything.
deny contains {"check": "ratio", "msg": msg, "path": path} if {
	some name, _ in _bounds.max_ratio
	resources.is_unlimited_without_limit(name)
	some container in _lasting_containers
	object.get(container.limits, name, 0) == 0
	_lacks(container, "limits", name)
	not _is_covered("limits", name)
	not _is_required("limits", name)
	msg := sprintf(
		"%s %s; set one of at most %s times the request",
		[name, _absence(container, "limits", name), _bound("max_ratio", name)],
	)
	path := _path(container, "limits", name)
}

_exceeds_ratio(limit, request, name) if limit * quantities.one > request * _bounds.max_ratio[name]
