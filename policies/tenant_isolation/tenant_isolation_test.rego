package usher.tenant_isolation_test

import data.usher.tenant_isolation

_ghost := {"tenant": {"metadata": {"name": "ghost"}}}

_unknown_tenant := {
	"check": "tenant-exists",
	"msg": concat("", [
		`namespace label tenant names tenant "ghost", which does not exist; `,
		"ask the platform team to declare it or to correct the label",
	]),
}

test_pod_of_an_undeclared_tenant_is_refused[note] if {
	some note, request in {
		"pod": object.union(_tenantless({}), _ghost),
		"template": object.union(object.remove(_template({}, {}), ["tenant"]), _ghost),
		"update that brings a template": object.union(object.remove(_template({}, {}), ["tenant"]), {
			"request": {"operation": "UPDATE"},
			"tenant": _ghost.tenant,
		}),
	}
	tenant_isolation.deny == {_unknown_tenant} with input as request
}

test_pods_of_a_deleted_tenant_may_be_updated if {
	request := object.union(object.remove(_update({}, {}, {}), ["tenant"]), _ghost)
	tenant_isolation.deny == set() with input as request
}

test_other_objects_of_an_undeclared_tenant_pass if {
	request := object.union_n([
		_request({"group": "resource.k8s.io", "kind": "ResourceClaim", "version": "v1"}, "CREATE"),
		_in_namespace, _ghost,
	])
	tenant_isolation.deny == set() with input as request
}

test_undeclared_tenant_owns_no_pool if {
	denied := tenant_isolation.deny with input as object.union(
		_tenantless({"tolerations": [{"key": "tenant", "value": "tenant-a"}]}),
		_ghost,
	)
	_checks(denied) == {"tenant-exists", "toleration"}
}

test_every_violation_is_told_at_once if {
	denied := tenant_isolation.deny with input as _create(_hard_tenant, {
		"affinity": object.union(
			_require({"key": "tenant", "operator": "Exists"}).affinity,
			_repel({"namespaceSelector": {}}).affinity,
		),
		"nodeName": "n1",
		"nodeSelector": {"tenant": "tenant-b"},
		"priority": 5,
		"priorityClassName": "system-node-critical",
		"schedulerName": "mine",
		"tolerations": [{"operator": "Exists"}],
	})
	_checks(denied) == {
		"node-affinity", "node-name", "node-selector", "pod-affinity",
		"priority-class", "scheduler-name", "toleration",
	}
}

# Neither errors nor denials: there is no pod, or nothing of one.
test_requests_without_a_pod_pass[note] if {
	some note, request in {
		"empty input": {},
		"claim": object.union(
			_request({"group": "resource.k8s.io", "kind": "ResourceClaim", "version": "v1"}, "CREATE"),
			_tenant(_soft_tenant),
		),
	}
	tenant_isolation.deny == set() with input as request
	tenant_isolation.patch == set() with input as request
	tenant_isolation.warn == set() with input as request
}
