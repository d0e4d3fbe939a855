package usher.tenant_isolation

# A pod that names its node is run by that node's kubelet at once: neither
# taints nor selectors nor quotas of the scheduler hold it back.
deny contains {"check": "node-name", "msg": msg, "path": "/spec/nodeName"} if {
	name := input.pod.spec.nodeName
	not name in {"", null}
	not _placed_by_trusted
	not _kept_node_name
	msg := sprintf("nodeName %s places the pod past the scheduler; leave it out and use a node selector or node affinity", [_quoted(name)])
}

# On every update of a pod that runs, the name is what the scheduler bound.
_kept_node_name if {
	_updates
	input.pod.spec.nodeName == input.old_pod.spec.nodeName
}
