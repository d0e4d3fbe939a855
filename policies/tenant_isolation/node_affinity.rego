package usher.tenant_isolation

# Required terms are ORed, so each of them has to keep out of other pools by
# itself; preferred ones may not even draw there. NotIn and DoesNotExist on a
# pool's key only lead away from pools. matchFields may stay: they name nodes,
# which taints, the pool's selector (Hard) or the ban (Soft) still guard, and the
# DaemonSet controller writes them into each of its pods.
deny contains {"check": "node-affinity", "msg": msg, "path": path} if {
	_node_affinity_judged
	some [base, term] in _node_terms
	some i, requirement in term.matchExpressions
	msg := _requirement_fault(requirement)
	path := sprintf("%s/matchExpressions/%v", [base, i])
}

deny contains {"check": "node-affinity", "msg": msg, "path": path} if {
	_node_affinity_judged
	some [base, term] in _node_terms
	some i, requirement in term.matchExpressions
	some k, value in _foreign_values(requirement)
	msg := sprintf("node affinity to %s leads to another tenant's pool; %s", [_pair(requirement.key, value), _own_label_hint])
	path := sprintf("%s/matchExpressions/%v/values/%v", [base, i, k])
}

deny contains {"check": "node-affinity", "msg": msg, "path": path} if {
	_node_affinity_judged
	some [path, wanted] in _misshapen_node_affinity
	msg := sprintf("this has to be %s", [wanted])
}

_foreign_values(requirement) := {k: value |
	requirement.operator == "In"
	requirement.key in _label_keys
	some k, value in requirement.values
	not _own_label(requirement.key, value)
}

# The term is refused, whatever else it says.
_leads_out(term) if {
	some requirement in term.matchExpressions
	_requirement_fault(requirement)
}

_leads_out(term) if {
	some requirement in term.matchExpressions
	count(_foreign_values(requirement)) > 0
}

_requirement_fault(requirement) := sprintf("node affinity requirement %s is not an object", [_quoted(requirement)]) if {
	not is_object(requirement)
}

else := sprintf("node affinity key %s is not a string", [_quoted(object.get(requirement, "key", null))]) if {
	not is_string(object.get(requirement, "key", null))
}

else := sprintf("node affinity to %q with operator %s leads to other tenants' pools; %s", [
	requirement.key,
	_quoted(object.get(requirement, "operator", "")),
	_own_label_hint,
]) if {
	requirement.key in _label_keys
	not object.get(requirement, "operator", "") in {"In", "NotIn", "DoesNotExist"}
}

else := "values has to be a list" if {
	requirement.key in _label_keys
	not _list_or_unset(object.get(requirement, "values", null))
}

_node_affinity_judged if {
	input.pod.spec.affinity != null
	_pools_closed
	not _node_affinity_kept
}

_node_affinity_kept if {
	_updates
	_node_affinity == _old_node_affinity
}

default _node_affinity := null

_node_affinity := input.pod.spec.affinity.nodeAffinity

default _old_node_affinity := null

_old_node_affinity := input.old_pod.spec.affinity.nodeAffinity

_required_path := "/spec/affinity/nodeAffinity/requiredDuringSchedulingIgnoredDuringExecution"

_preferred_path := "/spec/affinity/nodeAffinity/preferredDuringSchedulingIgnoredDuringExecution"

_required := input.pod.spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution

_preferred := input.pod.spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution

# Every node selector term, with its path.
_node_terms contains [path, term] if {
	some i, term in _required.nodeSelectorTerms
	path := sprintf("%s/nodeSelectorTerms/%v", [_required_path, i])
}

_node_terms contains [path, preferred.preference] if {
	some i, preferred in _preferred
	path := sprintf("%s/%v/preference", [_preferred_path, i])
}

_misshapen_node_affinity contains ["/spec/affinity", "an object"] if {
	value := input.pod.spec.affinity
	not _object_or_unset(value)
}

_misshapen_node_affinity contains ["/spec/affinity/nodeAffinity", "an object"] if {
	not _object_or_unset(_node_affinity)
}

_misshapen_node_affinity contains [_required_path, "an object"] if {
	value := _required
	not _object_or_unset(value)
}

_misshapen_node_affinity contains [path, "a list"] if {
	value := _required.nodeSelectorTerms
	not _list_or_unset(value)
	path := sprintf("%s/nodeSelectorTerms", [_required_path])
}

_misshapen_node_affinity contains [_preferred_path, "a list"] if {
	value := _preferred
	not _list_or_unset(value)
}

_misshapen_node_affinity contains [path, "an object"] if {
	some i, preferred in _preferred
	not is_object(preferred)
	path := sprintf("%s/%v", [_preferred_path, i])
}

_misshapen_node_affinity contains [path, "an object"] if {
	some [path, term] in _node_terms
	not _object_or_unset(term)
}

_misshapen_node_affinity contains [path, "a list"] if {
	some [base, term] in _node_terms
	value := term.matchExpressions
	not _list_or_unset(value)
	path := sprintf("%s/matchExpressions", [base])
}
