package usher.gpu_quota

import data.usher.lib.gpus
import data.usher.lib.pointers
import data.usher.lib.quantities

deny contains {"check": "quantity", "msg": msg, "path": _path_of(ask, section)} if {
	some ask in _asked
	some section, quantity in ask.stated
	not _is_amount(quantity)
	msg := sprintf("%s %s is not an amount; write a whole number", [ask.name, json.marshal(quantity)])
}

_is_amount(quantity) if quantities.nano(quantity) >= 0

deny contains {"check": "whole-number", "msg": msg, "path": _path_of(ask, section)} if {
	some ask in _asked
	some section, quantity in ask.stated
	_is_amount(quantity)
	quantities.nano(quantity) % quantities.one != 0
	msg := sprintf("%s %s is not a whole number; write one", [ask.name, json.marshal(quantity)])
}

deny contains {"check": "limit-required", "msg": msg, "path": _path_of(ask, "limits")} if {
	some ask in _asked
	not _states(ask, "limits")
	msg := sprintf(
		"%s has a request of %s and no limit; set the limit, the request follows from it",
		[ask.name, json.marshal(ask.stated.requests)],
	)
}

deny contains {"check": "request-equals-limit", "msg": msg, "path": _path_of(ask, "requests")} if {
	some ask in _asked
	quantities.nano(ask.stated.requests) != quantities.nano(ask.stated.limits)
	msg := sprintf(
		"%s request %s differs from the limit %s; make them equal, or leave the request out",
		[ask.name, json.marshal(ask.stated.requests), json.marshal(ask.stated.limits)],
	)
}

deny contains {"check": "pod-level", "msg": msg, "path": path} if {
	some section in ["limits", "requests"]
	is_object(input.pod.spec.resources[section])
	some name, _ in input.pod.spec.resources[section]
	gpus.is_gpu(name)
	msg := sprintf("%s is asked for by the pod as a whole; ask in the container that uses it", [name])
	path := sprintf("/spec/resources/%s/%s", [section, pointers.escape(name)])
}
