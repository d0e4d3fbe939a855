package usher.tenant_isolation

import data.usher.lib.tenants

# What the patch adds to a pod is verified here, so that a pod that was not
# amended (another webhook undid it, this one was not asked) is still refused.
deny contains {"check": "node-pool", "msg": msg, "path": path} if {
	tenants.pool.isolation == "Hard"
	_binds_now
	some key, value in tenants.pool.selector
	not _selects(key)
	not _node_selector_kept
	msg := sprintf("the pod is not bound to its tenant's pool; add node selector %s", [_pair(key, value)])
	path := sprintf("/spec/nodeSelector/%s", [_token(key)])
}

deny contains {"check": "node-pool", "msg": msg, "path": _required_path} if {
	tenants.pool.isolation == "Soft"
	_binds_now
	not _node_affinity_kept
	not _has_required_terms
	msg := sprintf("the pod may run in other tenants' pools; require node affinity to %s", [_ways_described])
}

# A term that is empty matches no node.
deny contains {"check": "node-pool", "msg": msg, "path": path} if {
	tenants.pool.isolation == "Soft"
	_binds_now
	not _node_affinity_kept
	some i, term in _required.nodeSelectorTerms
	not _empty_term(term)
	not _keeps_out(term)
	not _leads_out(term)
	msg := sprintf("this term lets the pod run in other tenants' pools; add to it %s", [_ways_described])
	path := sprintf("%s/nodeSelectorTerms/%v", [_required_path, i])
}

# A pod, not a template, that a scheduler will place.
_binds_now if {
	is_string(input.pod.path)
	not _is_template
	not _placed_by_trusted
}

_selects(key) if {
	some present, _ in input.pod.spec.nodeSelector
	present == key
}

_node_selector_kept if {
	_updates
	_node_selector == _old_node_selector
}

default _node_selector := null

_node_selector := input.pod.spec.nodeSelector

default _old_node_selector := null

_old_node_selector := input.old_pod.spec.nodeSelector

_has_required_terms if is_array(_required.nodeSelectorTerms)

_empty_term(term) if {
	is_object(term)
	object.get(term, "matchExpressions", []) in {[], null}
	object.get(term, "matchFields", []) in {[], null}
}

# A pod with Soft isolation has two ways to keep out of other pools: on nodes
# that no pool's key marks, or in its own pool. NotIn would not do for the
# first: a label selector cannot name the tenants that there will be.
_unmarked := [{"key": key, "operator": "DoesNotExist"} | some key in _label_keys]

_own_pool := [{"key": key, "operator": "In", "values": [value]} | some key, value in tenants.pool.selector]

_keeps_out(term) if {
	every requirement in _unmarked {
		_requires(term, requirement)
	}
}

_keeps_out(term) if {
	every requirement in _own_pool {
		_requires(term, requirement)
	}
}

_requires(term, requirement) if {
	some present in term.matchExpressions
	present.key == requirement.key
	present.operator == requirement.operator
	object.get(present, "values", []) in {null, object.get(requirement, "values", [])}
}

_ways_described := sprintf("%s DoesNotExist, or %s", [
	concat(" and ", [requirement.key | some requirement in _unmarked]),
	concat(" and ", [sprintf("%s In [%s]", [requirement.key, concat(",", requirement.values)]) |
		some requirement in _own_pool
	]),
])
