package usher.gpu_models

_required_field := "requiredDuringSchedulingIgnoredDuringExecution"

_required_path := sprintf("/spec/affinity/nodeAffinity/%s", [_required_field])

default _affinity := null

_affinity := input.pod.spec.affinity

default _node_affinity := null

_node_affinity := input.pod.spec.affinity.nodeAffinity

default _required := null

_required := input.pod.spec.affinity.nodeAffinity[_required_field]

# The terms, of which one has to hold; null where nothing is required.
default _terms := null

_terms := _required.nodeSelectorTerms

# What stands where an object or a list belongs.
_malformed contains ["/spec/affinity", "affinity is not an object"] if not _object_or_unset(_affinity)

_malformed contains ["/spec/affinity/nodeAffinity", "nodeAffinity is not an object"] if not _object_or_unset(_node_affinity)

_malformed contains [_required_path, "the required node affinity is not an object"] if not _object_or_unset(_required)

_malformed contains [path, "nodeSelectorTerms is not a list"] if {
	not type_name(_terms) in {"array", "null"}
	path := sprintf("%s/nodeSelectorTerms", [_required_path])
}

_object_or_unset(value) if type_name(value) in {"object", "null"}

_is_empty(term) if {
	is_object(term)
	object.get(term, "matchExpressions", []) in {[], null}
	object.get(term, "matchFields", []) in {[], null}
}

# Some expression of the term lets no other model through.
_keeps_to_models(term) if {
	some expression in term.matchExpressions
	expression.key == input.params.model_label
	expression.operator == "In"
	is_array(expression.values)
	every value in expression.values { value in _models }
}

_expression := {"key": input.params.model_label, "operator": "In", "values": _models}
