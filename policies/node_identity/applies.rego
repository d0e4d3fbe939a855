package usher.node_identity

# An agent that reports its own node, as all but forgers do, some hundred times a
# second in a large cluster. It is known without a look at what it reports, so
# that all of a node's reports cost one evaluation.
applies if {
	input.request.kind.kind == "GPUNode"
	_of_usher
	not _own_report
}

_own_report if {
	_is_agent
	_node == _name
	every owner in object.get(input, ["request", "object", "metadata", "ownerReferences"], []) {
		_is_own_node(owner)
	}
}
