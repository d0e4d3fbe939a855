package usher.gpu_quota

import data.usher.lib.gpus
import data.usher.lib.quantities
import data.usher.lib.resources

deny contains {"check": "per-container", "msg": msg, "path": path} if {
	bound := _bound("perContainer")
	some [list, i] in {[ask.list, ask.at] | some ask in _asked}
	asks := [ask |
		some ask in _asked
		[ask.list, ask.at] == [list, i]
	]
	units := gpus.total([part | some ask in asks; part := _part(ask.name, ask.count)])
	gpus.exceeds(units, bound)
	msg := sprintf("the container asks for %s GPU; at most %s per container", [gpus.text(units), _bound_text(bound)])
	path := _common_path(asks)
}

# A sum has no field; the container that asks for most is the one to look at.
deny contains {"check": "per-pod", "msg": msg, "path": _path(greatest)} if {
	bound := _bound("perPod")
	gpus.exceeds(_pod_units, bound)
	most := max([ask.count | some ask in _asked])
	greatest := [ask | some ask in _asked; ask.count == most][0]
	msg := sprintf("the pod asks for %s GPU; at most %s per pod", [gpus.text(_pod_units), _bound_text(bound)])
}

deny contains {"check": "per-pod", "msg": msg, "path": "/spec/overhead"} if {
	bound := _bound("perPod")
	count(_asked) == 0
	gpus.exceeds(_pod_units, bound)
	msg := sprintf(
		"the pod's runtime class takes %s GPU for itself; at most %s per pod, so use another runtime class",
		[gpus.text(_pod_units), _bound_text(bound)],
	)
}

# What the pod holds, each resource by Kubernetes' own rule.
_pod_units := gpus.total([part |
	some name in ({ask.name | some ask in _asked} | object.keys(_overhead))
	held := resources.effective(
		[ask.count | some ask in _asked; ask.name == name; ask.list != "initContainers"],
		[{"amount": ask.count, "sidecar": ask.sidecar} | some ask in _asked; ask.name == name; ask.list == "initContainers"],
	)
	part := _part(name, held + object.get(_overhead, name, 0))
])

# What the pod's runtime class adds; Kubernetes writes it into every pod.
_overhead[name] := quantities.ceiling(amount) if {
	is_object(input.pod.spec.overhead)
	some name, quantity in input.pod.spec.overhead
	gpus.is_gpu(name)
	amount := quantities.nano(quantity)
	amount > 0
}

# Undefined where the weight is not known, which is refused on its own.
_part(name, number) := {"count": number, "weight": gpus.weight(name)}

_common_path([ask]) := _path(ask)

_common_path(asks) := sprintf("/spec/%s/%v/resources", [asks[0].list, asks[0].at]) if count(asks) > 1
