package usher.tenant_claims

import data.usher.lib.tenants

# The pods of both tolerate the taint.
deny contains {"check": "node-pool", "msg": msg, "path": "/spec/nodePool/taint"} if {
	input.request.kind.kind == "Tenant"
	_of_usher
	taint := _pool(_name, _spec).taint
	not _had("taint", taint)
	some other in _others
	_pool(other.name, other).taint == taint
	msg := sprintf(
		"taint %q is also that of the pool of Tenant %q; give each pool a taint of its own",
		[sprintf("%s=%s", [taint.key, taint.value]), other.name],
	)
}

# Every node of one pool is by its labels a node of the other. Selectors that name
# different labels may meet on a node too, but that node bears both taints, and
# takes neither's pods.
deny contains {"check": "node-pool", "msg": msg, "path": "/spec/nodePool/nodeSelector"} if {
	input.request.kind.kind == "Tenant"
	_of_usher
	selector := _pool(_name, _spec).selector
	not _had("selector", selector)
	some other in _others
	theirs := _pool(other.name, other).selector
	_one_selects_all_of_the_other(selector, theirs)
	msg := sprintf(
		"nodes with %s are also in the pool of Tenant %q, by %s; give the nodes of each pool a label of their own",
		[_described(selector), other.name, _described(theirs)],
	)
}

# What the Tenant claimed before, an update does not answer for.
_had(part, value) if _pool(_name, _old_spec)[part] == value

_one_selects_all_of_the_other(a, b) if object.subset(a, b)

_one_selects_all_of_the_other(a, b) if object.subset(b, a)

_described(selector) := concat(",", [sprintf("%s=%s", [key, value]) | some key, value in selector])

# A tenant's node pool, with the defaults of the Tenant kind filled in. Undefined
# where it has none of its own.
_pool(name, spec) := {"selector": _selector(name, spec.nodePool), "taint": _taint(name, spec.nodePool)} if {
	is_object(spec.nodePool)
}

_selector(name, pool) := pool.nodeSelector if {
	is_object(pool.nodeSelector)
	count(pool.nodeSelector) > 0
} else := {tenants.label: name}

_taint(name, pool) := {"key": pool.taint.key, "value": object.get(pool.taint, "value", "")} if {
	is_string(pool.taint.key)
} else := {"key": tenants.label, "value": name}
