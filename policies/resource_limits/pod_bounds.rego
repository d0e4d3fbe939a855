package usher.resource_limits

import data.usher.lib.pods
import data.usher.lib.resources

deny contains {"check": "pod-max", "msg": msg, "path": _path_of_sum(section, name)} if {
	some name, most in _bounds.pod_max
	some section in ["limits", "requests"]
	sum := _sum(section, name)
	sum > most
	msg := sprintf(
		"the pod's %s %s add up to %s; at most %s per pod",
		[name, section, _as_text(name, sum), _bound("pod_max", name)],
	)
}

# A container without a limit may use any amount, so the pod may.
deny contains {"check": "pod-max", "msg": msg, "path": path} if {
	some name, _ in _bounds.pod_max
	resources.is_unlimited_without_limit(name)
	some container in _lasting_containers
	object.get(container.limits, name, 0) == 0
	_lacks(container, "limits", name)
	not _is_covered("limits", name)
	msg := sprintf(
		"%s %s; set one, so that the pod's limits add up to at most %s",
		[name, _absence(container, "limits", name), _bound("pod_max", name)],
	)
	path := _path(container, "limits", name)
}

deny contains {"check": "pod-min", "msg": msg, "path": _path_of_sum("requests", name)} if {
	some name, least in _bounds.pod_min
	sum := _sum("requests", name)
	sum < least
	_counts_in_every_pod(name, sum)
	msg := sprintf(
		"the pod's %s requests add up to %s; at least %s per pod",
		[name, _as_text(name, sum), _bound("pod_min", name)],
	)
}

# A sum has no field. Where the pod says it itself, that is the place, and
# otherwise the container that has most of it.
_path_of_sum(section, name) := _path(_whole_pod[0], section, name) if {
	resources.is_pod_level(name)
	_names(_whole_pod[0].stated[section], name)
} else := _path(container, section, name) if {
	most := max([amount | some container in _containers; amount := object.get(container[section], name, 0)])
	container := [container | some container in _containers; object.get(container[section], name, 0) == most][0]
} else := "/spec"

# Of other resources most pods ask for none.
_counts_in_every_pod(name, _) if resources.is_unlimited_without_limit(name)

_counts_in_every_pod(_, sum) if sum > 0

# What Kubernetes counts for the pod: its own amount, or what its containers come
# to, and the overhead, which does not make a limit where there is none.
_sum(section, name) := sum([amount | some container in _containers; amount := container[section][name]]) if {
	_is_plain
} else := amount + _overhead(section, name, amount) if {
	amount := _sum_without_overhead(section, name)
}

# Nothing but containers counts, as in most pods.
_is_plain if {
	count(_whole_pod) == 0
	not input.pod.spec.overhead
	every container in _containers { container.list == "containers" }
}

_sum_without_overhead(section, name) := _whole_pod[0].counted[section][name] if {
	resources.is_pod_level(name)
} else := _whole_pod[0].limits[name] if {
	# Where no container asks, the pod's limit is its request.
	section == "requests"
	resources.is_pod_level(name)
	every container in _containers { not container.requests[name] }
} else := resources.effective(containers, inits) if {
	containers := [amount |
		some container in _containers
		container.list == "containers"
		amount := container[section][name]
	]
	inits := [{"amount": object.get(container[section], name, 0), "sidecar": pods.is_sidecar(input.pod.spec.initContainers[container.at])} |
		some container in _containers
		container.list == "initContainers"
	]
}

_overhead("requests", name, _) := object.get(_overhead_amounts, name, 0)

_overhead("limits", _, 0) := 0

_overhead("limits", name, amount) := object.get(_overhead_amounts, name, 0) if amount > 0

default _overhead_amounts := {}

_overhead_amounts := resources.amounts(input.pod.spec.overhead)
