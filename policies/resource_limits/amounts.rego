package usher.resource_limits

import data.usher.lib.pointers
import data.usher.lib.quantities
import data.usher.lib.resources

# What is stated and counts for nothing.
deny contains {"check": "quantity", "msg": msg, "path": _path(container, section, name)} if {
	some container in _containers_and_pod
	some section in ["limits", "requests"]
	some name, quantity in container.stated[section]
	not container.counted[section][name]
	msg := sprintf("%s %s %s", [name, _singular[section], _problem(quantity)])
}

deny contains {"check": "quantity", "msg": msg, "path": path} if {
	is_object(input.pod.spec.overhead)
	some name, quantity in input.pod.spec.overhead
	not _overhead_amounts[name]
	msg := sprintf("%s overhead %s", [name, _problem(quantity)])
	path := sprintf("/spec/overhead/%s", [pointers.escape(name)])
}

_problem(quantity) := sprintf("%s is negative; write 0 or more", [json.marshal(quantity)]) if {
	quantities.nano(quantity) < 0
} else := sprintf("%s is not a quantity; write one such as 500m or 512Mi", [json.marshal(quantity)])

deny contains {"check": "request-over-limit", "msg": msg, "path": _path(container, "requests", name)} if {
	some container in _containers_and_pod
	some name, request in container.requests
	request > container.limits[name]
	not resources.is_exclusive(name)
	limit := _shown(container, "limits", name)
	msg := sprintf(
		"%s request %s is above the limit %s; ask for at most %s",
		[name, _shown(container, "requests", name), limit, limit],
	)
}

deny contains {"check": "request-equals-limit", "msg": msg, "path": _path(container, "requests", name)} if {
	some container in _containers_and_pod
	some name, limit in container.limits
	not name in {"cpu", "memory", "ephemeral-storage"}
	container.requests[name] != limit
	resources.is_exclusive(name)
	shown := _shown(container, "limits", name)
	msg := sprintf(
		"%s request %s differs from the limit %s; ask for %s in both",
		[name, _shown(container, "requests", name), shown, shown],
	)
}
