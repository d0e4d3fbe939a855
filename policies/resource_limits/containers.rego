package usher.resource_limits

import data.usher.lib.pods
import data.usher.lib.pointers
import data.usher.lib.quantities
import data.usher.lib.resources

# Every container: where it stands, what it states, and its amounts in nano units.
# A limit without a request is the request, as the API server has it.
_containers := [container |
	some list in pods.container_lists
	some i, _ in input.pod.spec[list]
	stated := {"limits": _stated(list, i, "limits"), "requests": _stated(list, i, "requests")}
	counted := {"limits": resources.amounts(stated.limits), "requests": resources.amounts(stated.requests)}
	container := {
		"list": list,
		"at": i,
		"stated": stated,
		"counted": counted,
		"limits": counted.limits,
		"requests": object.union(counted.limits, counted.requests),
	}
]

# Containers whose absent amounts matter. Nobody can give resources to ephemeral
# containers, so of those only what is given all the same is judged.
_lasting_containers := [container | some container in _containers; container.list != "ephemeralContainers"]

# The pod's own resources, seen as a container's, if it has any.
_whole_pod := [pod |
	is_object(input.pod.spec.resources)
	stated := {"limits": _stated_of_pod("limits"), "requests": _stated_of_pod("requests")}
	counted := {"limits": resources.amounts(stated.limits), "requests": resources.amounts(stated.requests)}
	pod := {
		"list": "",
		"at": 0,
		"stated": stated,
		"counted": counted,
		"limits": counted.limits,
		"requests": object.union(counted.limits, counted.requests),
	}
]

_containers_and_pod := array.concat(_containers, _whole_pod)

_stated(list, i, section) := input.pod.spec[list][i].resources[section] if {
	is_object(input.pod.spec[list][i].resources[section])
} else := {}

_stated_of_pod(section) := input.pod.spec.resources[section] if {
	is_object(input.pod.spec.resources[section])
} else := {}

# Whether a list of resources names one, whatever the amount.
_names(list, name) if _ = list[name]

# An amount for a message: as it is stated, or in shortest form if it is implied.
_shown(container, section, name) := text if {
	text := quantities.written(container.stated[section][name])
} else := _as_text(name, container[section][name])

_as_text("memory", amount) := quantities.bytes(amount)

_as_text(name, amount) := quantities.text(amount) if name != "memory"

# Where an amount stands, or would stand.
_path(container, section, name) := sprintf(
	"/spec/%s/%v/resources/%s/%s",
	[container.list, container.at, section, pointers.escape(name)],
) if {
	container.list != ""
}

_path(container, section, name) := sprintf("/spec/resources/%s/%s", [section, pointers.escape(name)]) if {
	container.list == ""
}

_singular := {"limits": "limit", "requests": "request"}

# No amount stands here, and none is implied. Most containers lack nothing: whoever
# asks looks for an amount above 0 first, which is cheaper.
_lacks(container, section, name) if {
	not container[section][name]
	not _names(container.stated[section], name)
}

# Kubernetes sets no limit where it reads 0.
_lacks(container, "limits", name) if {
	resources.is_unlimited_without_limit(name)
	container.limits[name] == 0
}

# The pod's own resources say it for containers that do not. A pod's limit is
# its request too where it gives none.
_is_covered("limits", name) if {
	resources.is_pod_level(name)
	some pod in _whole_pod
	_names(pod.stated.limits, name)
	not pod.limits[name] == 0
}

_is_covered("requests", name) if {
	resources.is_pod_level(name)
	some pod in _whole_pod
	some section in ["limits", "requests"]
	_names(pod.stated[section], name)
}
