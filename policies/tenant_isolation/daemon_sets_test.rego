package usher.tenant_isolation_test

import data.usher.tenant_isolation

_daemon_set(tenant, spec) := object.union(
	_template(tenant, spec),
	{"request": {"kind": {"group": "apps", "kind": "DaemonSet", "version": "v1"}}},
)

_no_pods := {
	"check": "daemon-set",
	"msg": concat("", [
		"the DaemonSet controller makes no pods for the tenant's nodes; ",
		`add a toleration of "tenant=tenant-a:NoSchedule"`,
	]),
	"path": "/spec/tolerations",
}

_pending_pods := {
	"check": "daemon-set",
	"msg": `the pods for nodes outside the tenant's pool stay pending; add node selector "tenant=tenant-a"`,
	"path": "/spec/nodeSelector/tenant",
}

test_daemon_set_that_forgets_its_pool_is_warned_of if {
	tenant_isolation.warn == {_no_pods, _pending_pods} with input as _daemon_set(_hard_tenant, {})
	tenant_isolation.warn == {_no_pods} with input as _daemon_set(_soft_tenant, {})
	tenant_isolation.deny == set() with input as _daemon_set(_hard_tenant, {})
}

test_daemon_set_that_knows_its_pool_is_fine if {
	tenant_isolation.warn == set() with input as _daemon_set(_hard_tenant, {
		"nodeSelector": {"tenant": "tenant-a"},
		"tolerations": [_toleration],
	})
}

test_soft_taint_needs_no_toleration if {
	tenant := {"nodePool": {"taint": {"effect": "PreferNoSchedule", "key": "tenant", "value": "tenant-a"}}}
	tenant_isolation.warn == {_pending_pods} with input as _daemon_set(tenant, {})
}

test_other_kinds_and_other_namespaces_are_not_warned_of if {
	tenant_isolation.warn == set() with input as _template(_hard_tenant, {})
	tenant_isolation.warn == set() with input as _daemon_set({}, {})
}
