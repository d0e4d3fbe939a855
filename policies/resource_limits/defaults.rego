package usher.resource_limits

import data.usher.lib.quantities

# What is injected into a container: {"limits": {name: quantity}, "requests": …},
# empty where everything is given. Undefined where nothing may be injected.
_injection(list, i) := {
	"limits": {name: limit.text |
		some name in ["cpu", "memory"]
		limit := _default_limit(stated, name)
	},
	"requests": {name: request.text |
		some name in ["cpu", "memory"]
		request := _default_request(stated, name)
	},
} if {
	_injects_defaults
	list in {"initContainers", "containers"}
	_is_well_made(list, i)
	stated := {"limits": _stated(list, i, "limits"), "requests": _stated(list, i, "requests")}
}

_is_well_made(list, i) if {
	is_object(input.pod.spec[list][i])
	not _is_misplaced(object.get(input.pod.spec[list][i], "resources", null))
	every section in ["limits", "requests"] {
		not _is_misplaced(object.get(input.pod.spec[list][i], ["resources", section], null))
	}
}

# The default, or the given request if that is more, within the bounds of a
# container; the request alone if the ratio allows no more.
_default_limit(stated, name) := _within_ratio(limit, request, name) if {
	not _pod_level_names(name)
	not _names(stated.limits, name)
	not _is_garbled(stated.requests, name)
	default_limit := _option(input.params.default_limits, name)
	request := _options(stated.requests, name)
	wanted := _greatest(array.concat([default_limit], request))
	capped := _least(array.concat([wanted], _options(input.params.container_max, name)))
	floor := array.concat(_options(input.params.container_min, name), request)
	limit := _greatest(array.concat([capped], floor))
}

# The limit where one is given, as the API server has it. Otherwise the default,
# within the bounds of a container and no more than the injected limit, and as much
# as that if the ratio asks for it.
_default_request(stated, name) := _option(stated.limits, name) if {
	not _pod_level_names(name)
	not _names(stated.requests, name)
	_names(stated.limits, name)
} else := request if {
	not _pod_level_names(name)
	not _names(stated.requests, name)
	not _names(stated.limits, name)
	limit := [limit | limit := _default_limit(stated, name)]
	defaults := array.concat(_options(input.params.default_requests, name), limit)
	count(defaults) > 0
	capped := _least(array.concat(defaults, _options(input.params.container_max, name)))
	wanted := _greatest(array.concat([capped], _options(input.params.container_min, name)))
	request := _as_much_as_ratio_asks(wanted, limit, name)
}

# Nothing goes with a request of 0 where there is a ratio.
_within_ratio(limit, requests, name) := limit if {
	every request in requests { not _exceeds_ratio(limit.amount, request.amount, name) }
} else := request if {
	some request in requests
	request.amount > 0
}

_as_much_as_ratio_asks(request, limits, name) := limit if {
	some limit in limits
	_exceeds_ratio(limit.amount, request.amount, name)
} else := request

# Resources that the pod asks for as a whole are shared among its containers.
_pod_level_names(name) if {
	some pod in _whole_pod
	some section in ["limits", "requests"]
	_names(pod.stated[section], name)
}

_is_garbled(list, name) if {
	_names(list, name)
	not quantities.valid(list[name])
}

# A quantity to choose from: what to write, and how much it is.
_option(list, name) := {"text": quantities.written(list[name]), "amount": amount} if {
	amount := quantities.nano(list[name])
	amount >= 0
}

# The same as a list of one, or of none.
_options(list, name) := [option | option := _option(list, name)]

_greatest(options) := [option | some option in options; option.amount == most][0] if {
	most := max([option.amount | some option in options])
}

_least(options) := [option | some option in options; option.amount == least][0] if {
	least := min([option.amount | some option in options])
}
