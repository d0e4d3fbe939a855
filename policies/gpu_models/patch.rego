package usher.gpu_models

# Only a pod that is being made is amended; a template is judged as its pods will be.
_amended if {
	_judged
	count(_malformed) == 0
	is_object(input.pod.spec)
}

patch contains {"op": "add", "path": "/spec/affinity", "value": {"nodeAffinity": _whole}} if {
	_amended
	_affinity == null
}

patch contains {"op": "add", "path": "/spec/affinity/nodeAffinity", "value": _whole} if {
	_amended
	is_object(_affinity)
	_node_affinity == null
}

patch contains {"op": "add", "path": _required_path, "value": {"nodeSelectorTerms": [{"matchExpressions": [_expression]}]}} if {
	_amended
	is_object(_node_affinity)
	_required == null
}

patch contains {"op": "replace", "path": path, "value": narrowed} if {
	_amended
	is_array(_terms)
	narrowed := [_narrowed(term) | some term in _terms]
	narrowed != _terms
	path := sprintf("%s/nodeSelectorTerms", [_required_path])
}

_whole := {_required_field: {"nodeSelectorTerms": [{"matchExpressions": [_expression]}]}}

# A user's own term keeps what it says, and says which models too. One that is
# empty goes on matching nothing.
_narrowed(term) := object.union(term, {"matchExpressions": array.concat(_expressions(term), [_expression])}) if {
	is_object(term)
	not _is_empty(term)
	not _keeps_to_models(term)
	type_name(object.get(term, "matchExpressions", null)) in {"array", "null"}
} else := term

_expressions(term) := term.matchExpressions if is_array(term.matchExpressions)

else := []
