package usher.tenant_isolation

import data.usher.lib.tenants

# A binding places a pod as nodeName does, without a look at taints, selectors
# or room, whatever namespace the pod is in. Bindings come in through the
# subresource pods/binding and through the older resource bindings.
deny contains {"check": "binding", "msg": msg, "path": "/target"} if {
	input.request.kind.kind == "Binding"
	_of_core
	not _may_bind
	msg := sprintf("%s may not bind pods to nodes; leave it to the scheduler (%s)", [
		tenants.requester,
		tenants.described(_binders),
	])
}

_may_bind if tenants.requester_among(_binders)

default _binders := {}

_binders := input.params.binders
