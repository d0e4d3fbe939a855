package usher.tenant_isolation

import data.usher.lib.tenants

# The DaemonSet controller reads the template, not the pods that usher amends:
# without the toleration it makes no pod for the pool's nodes, without the
# selector it makes pods for nodes that they cannot run on.
warn contains {"check": "daemon-set", "msg": msg, "path": path} if {
	input.request.kind.kind == "DaemonSet"
	_daemon_set_of_pool
	tenants.pool.taint.effect != "PreferNoSchedule"
	not _tolerates_pool
	path := "/spec/tolerations"
	msg := sprintf("the DaemonSet controller makes no pods for the tenant's nodes; add a toleration of %s", [_pair(
		tenants.pool.taint.key,
		sprintf("%s:%s", [tenants.pool.taint.value, tenants.pool.taint.effect]),
	)])
}

warn contains {"check": "daemon-set", "msg": msg, "path": path} if {
	input.request.kind.kind == "DaemonSet"
	_daemon_set_of_pool
	tenants.pool.isolation == "Hard"
	some key, value in tenants.pool.selector
	not _selects(key)
	path := sprintf("/spec/nodeSelector/%s", [_token(key)])
	msg := sprintf("the pods for nodes outside the tenant's pool stay pending; add node selector %s", [_pair(key, value)])
}

_daemon_set_of_pool if {
	input.request.kind.group == "apps"
	is_string(input.pod.path)
	tenants.pool
}
