package usher.tenant_isolation_test

import data.usher.tenant_isolation

_node_name_fault := {
	"check": "node-name",
	"msg": `nodeName "n1" places the pod past the scheduler; leave it out and use a node selector or node affinity`,
	"path": "/spec/nodeName",
}

test_node_name_is_refused[note] if {
	some note, request in {
		"in a tenant's namespace": _hard({"nodeName": "n1"}),
		"without a tenant": _tenantless({"nodeName": "n1"}),
		"in a template": _template(_hard_tenant, {"nodeName": "n1"}),
		"on an update that sets it": _update(_hard_tenant, {}, {"nodeName": "n1"}),
		"on an update that changes it": _update(_hard_tenant, {"nodeName": "n2"}, {"nodeName": "n1"}),
	}
	tenant_isolation.deny == {_node_name_fault} with input as request
}

test_node_name_is_refused_even_where_pools_are_open if {
	tenant_isolation.deny == {_node_name_fault} with input as _tenantless({"nodeName": "n1"})
		with input.params.tenantless_pods_may_enter_pools as true
}

test_node_name_of_another_type_is_refused[note] if {
	some note, name in {"number": 1, "list": ["n1"], "false": false}
	denied := tenant_isolation.deny with input as _hard({"nodeName": name})
	_checks(denied) == {"node-name"}
}

test_unset_node_name_passes[note] if {
	some note, spec in {"absent": {}, "null": {"nodeName": null}, "empty": {"nodeName": ""}}
	tenant_isolation.deny == set() with input as _hard(spec)
}

test_pod_that_the_scheduler_bound_may_be_updated if {
	tenant_isolation.deny == set() with input as _update(_hard_tenant, {"nodeName": "n1"}, {"nodeName": "n1"})
}

_kubelet := {"username": "system:node:n1", "groups": ["system:nodes", "system:authenticated"]}

# A kubelet adds a toleration of everything to the static pods that it mirrors.
_mirror_pod := {
	"nodeName": "n1",
	"priority": 2000001000,
	"priorityClassName": "system-node-critical",
	"schedulerName": "default-scheduler",
	"tolerations": [{"effect": "NoExecute", "operator": "Exists"}],
}

test_mirror_pod_of_a_kubelet_passes[note] if {
	some note, request in {
		"Hard": _create(_hard_tenant, _mirror_pod),
		"Soft": _create(_soft_tenant, _mirror_pod),
		"without a tenant": _tenantless(_mirror_pod),
	}
	tenant_isolation.deny == set() with input as request with input.request.userInfo as _kubelet
	tenant_isolation.patch == set() with input as request with input.request.userInfo as _kubelet
}

test_kubelet_is_trusted_with_pods_on_nodes_alone if {
	without_node := object.remove(_mirror_pod, ["nodeName"])
	denied := tenant_isolation.deny with input as _create(_hard_tenant, without_node)
		with input.request.userInfo as _kubelet
	_checks(denied) == {"node-pool", "priority-class", "toleration"}
}

test_kubelet_may_not_name_nodes_in_templates if {
	tenant_isolation.deny == {_node_name_fault} with input as _template(_hard_tenant, {"nodeName": "n1"})
		with input.request.userInfo as _kubelet
}
