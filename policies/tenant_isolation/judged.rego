package usher.tenant_isolation

import data.usher.lib.tenants

# The request is about an object of Kubernetes' core group.
_of_core if object.get(input.request.kind, "group", "") == ""

# A template's pods are amended when they are made, so what usher adds to a pod
# need not be in a template.
_is_template if input.pod.path != ""

# The request updates a pod. What this policy judges of a pod can hardly change
# any more: where an update leaves it as it was, to refuse it would move no pod,
# and only keep an old one from being debugged, resized or relabelled. A
# template's updates are judged whole, since new pods come from it.
_updates if {
	input.request.operation == "UPDATE"
	is_string(input.old_pod.path)
	not _is_template
}

# A pod that names its node and comes from who may do so, such as a kubelet's
# mirror of a static pod: no scheduler reads it.
_placed_by_trusted if {
	_names_node
	not _is_template
	tenants.requester_among(input.params.node_name_setters)
}

_names_node if {
	is_string(input.pod.spec.nodeName)
	input.pod.spec.nodeName != ""
}

# The pod has to keep off other tenants' pools.
_pools_closed if {
	_has_tenant
	not _placed_by_trusted
}

_pools_closed if {
	is_string(input.pod.path)
	not _has_tenant
	not input.params.tenantless_pods_may_enter_pools == true
	not _placed_by_trusted
}

_has_tenant if is_string(tenants.name)

# The keys of taints that mark pools.
_taint_keys contains tenants.label

_taint_keys contains tenants.pool.taint.key

_taint_keys contains key if some key in input.params.pool_keys

# The keys of node labels that mark pools. Where the pool's own selector does
# without the tenant label, the labels that it has instead mark pools.
_label_keys contains tenants.label

_label_keys contains key if some key in input.params.pool_keys

_label_keys contains key if {
	not tenants.pool.selector[tenants.label]
	some key, _ in tenants.pool.selector
}

# The values of those keys that stand for the pod's own tenant.
_own_taint(key, value) if {
	key == tenants.label
	value == tenants.name
}

_own_taint(key, value) if {
	key == tenants.pool.taint.key
	value == tenants.pool.taint.value
}

_own_label(key, value) if value == tenants.pool.selector[key]

_own_label(key, value) if {
	key == tenants.label
	value == tenants.name
}

# What a tenant may name instead, for messages.
default _own_taint_hint := "leave it out"

_own_taint_hint := sprintf("only %s is yours", [_pair(tenants.label, tenants.name)]) if {
	_has_tenant
	not tenants.pool
}

_own_taint_hint := sprintf("only %s is yours", [_pair(tenants.pool.taint.key, tenants.pool.taint.value)]) if {
	tenants.pool
}

default _own_label_hint := "leave it out"

_own_label_hint := sprintf("only %s is yours", [_pair(tenants.label, tenants.name)]) if {
	_has_tenant
	not tenants.pool
}

_own_label_hint := sprintf("only %s is yours", [concat(", ", [_pair(key, value) |
	some key, value in tenants.pool.selector
])]) if {
	tenants.pool
}

# An optional field that is unset may be null.
_list_or_unset(value) if type_name(value) in {"array", "null"}

_object_or_unset(value) if type_name(value) in {"object", "null"}

# A key as a token of a JSON pointer (RFC 6901).
_token(key) := replace(replace(key, "~", "~0"), "/", "~1")

# Users' values as messages show them, without control characters.
_quoted(value) := sprintf("%q", [value]) if is_string(value)

else := sprintf("%v", [value])

_pair(key, value) := _quoted(sprintf("%s=%v", [key, value]))
