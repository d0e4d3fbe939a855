package usher.tenant_isolation

import data.usher.lib.tenants

# Pods alone are amended, and only when they are made: a template that changed
# under its controller would be rolled out again and again, and a pod that
# exists cannot be bound anew. What is there already is left alone, and what
# contradicts is left for the checks to refuse.
_amended if {
	tenants.pool
	_binds_now
	is_object(input.pod.spec)
	not input.request.operation == "UPDATE"
}

patch contains {"op": "add", "path": "/spec/tolerations", "value": [_pool_toleration]} if {
	_amended
	_tolerations in {[], null}
}

patch contains {"op": "add", "path": "/spec/tolerations/-", "value": _pool_toleration} if {
	_amended
	is_array(_tolerations)
	count(_tolerations) > 0
	not _tolerates_pool
}

patch contains {"op": "add", "path": "/spec/nodeSelector", "value": tenants.pool.selector} if {
	_amended
	tenants.pool.isolation == "Hard"
	_node_selector == null
}

patch contains {"op": "add", "path": path, "value": value} if {
	_amended
	tenants.pool.isolation == "Hard"
	is_object(_node_selector)
	some key, value in tenants.pool.selector
	not _selects(key)
	path := sprintf("/spec/nodeSelector/%s", [_token(key)])
}

# The rest is for Soft isolation. Parents that are missing are added with what
# belongs in them, so that no operation waits for another.
patch contains {"op": "add", "path": "/spec/affinity", "value": {"nodeAffinity": _soft_affinity}} if {
	_softened
	_affinity == null
}

patch contains {"op": "add", "path": "/spec/affinity/nodeAffinity", "value": _soft_affinity} if {
	_softened
	is_object(_affinity)
	_node_affinity == null
}

patch contains {"op": "add", "path": _required_path, "value": {"nodeSelectorTerms": _alternatives}} if {
	_softened
	is_object(_node_affinity)
	object.get(_node_affinity, _required_field, null) == null
}

# An empty list of terms is refused by Kubernetes and stays as it is.
patch contains {"op": "replace", "path": path, "value": terms} if {
	_softened
	given := _required.nodeSelectorTerms
	is_array(given)
	terms := array.concat([_unmarked_too(term) | some term in given], [_with(term, _own_pool) |
		some term in given
		_open(term)
	])
	terms != given
	path := sprintf("%s/nodeSelectorTerms", [_required_path])
}

patch contains {"op": "add", "path": _preferred_path, "value": [_pool_preference]} if {
	_softened
	is_object(_node_affinity)
	object.get(_node_affinity, _preferred_field, null) in {[], null}
}

patch contains {"op": "add", "path": path, "value": _pool_preference} if {
	_softened
	is_array(_preferred)
	count(_preferred) > 0
	not _prefers_pool
	path := sprintf("%s/-", [_preferred_path])
}

_softened if {
	_amended
	tenants.pool.isolation == "Soft"
}

default _tolerations := null

_tolerations := input.pod.spec.tolerations

default _affinity := null

_affinity := input.pod.spec.affinity

_required_field := "requiredDuringSchedulingIgnoredDuringExecution"

_preferred_field := "preferredDuringSchedulingIgnoredDuringExecution"

_pool_toleration := {
	"effect": tenants.pool.taint.effect,
	"key": tenants.pool.taint.key,
	"operator": "Equal",
	"value": tenants.pool.taint.value,
}

_tolerates_pool if {
	some toleration in input.pod.spec.tolerations
	toleration.key == tenants.pool.taint.key
	object.get(toleration, "operator", "") in {"", null, "Equal"}
	object.get(toleration, "value", "") == tenants.pool.taint.value
	object.get(toleration, "effect", "") in {"", null, tenants.pool.taint.effect}
}

_soft_affinity := {
	"preferredDuringSchedulingIgnoredDuringExecution": [_pool_preference],
	"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": _alternatives},
}

_alternatives := [{"matchExpressions": _unmarked}, {"matchExpressions": _own_pool}]

_pool_preference := {"preference": {"matchExpressions": _own_pool}, "weight": 100}

# A user's own preference for the pool keeps its weight.
_prefers_pool if {
	some preferred in _preferred
	preferred.preference.matchExpressions == _own_pool
	object.get(preferred.preference, "matchFields", []) in {[], null}
}

# Terms are ORed and the requirements of one are ANDed, so "unmarked or own"
# takes two copies of a term: the first where the term stood, so that a user
# finds it there, and the second after all of the user's.
_unmarked_too(term) := _with(term, _unmarked) if _open(term)

else := term

# A term that would let the pod into other pools, and that the checks do not
# refuse as it stands.
_open(term) if {
	is_object(term)
	not _empty_term(term)
	not _keeps_out(term)
	not _leads_out(term)
	_list_or_unset(object.get(term, "matchExpressions", []))
}

_with(term, requirements) := object.union(term, {"matchExpressions": array.concat(
	_given_expressions(term),
	[requirement | some requirement in requirements; not _requires(term, requirement)],
)})

_given_expressions(term) := term.matchExpressions if is_array(term.matchExpressions)

else := []
