package usher.tenant_isolation

import data.usher.lib.tenants

deny contains {"check": "node-selector", "msg": msg, "path": path} if {
	_pools_closed
	some key, value in input.pod.spec.nodeSelector
	key in _selector_keys
	not _own_label(key, value)
	not _kept_selector(key, value)
	msg := sprintf("node selector %s leads to another tenant's pool; %s", [_pair(key, value), _own_label_hint])
	path := sprintf("/spec/nodeSelector/%s", [_token(key)])
}

deny contains {"check": "node-selector", "msg": "nodeSelector has to be an object", "path": "/spec/nodeSelector"} if {
	_pools_closed
	value := input.pod.spec.nodeSelector
	not _object_or_unset(value)
}

# A pod cannot have two values of a label, so a pool's selector decides all of
# its keys, also those that mark no pool.
_selector_keys := _label_keys | {key | some key, _ in tenants.pool.selector}

_kept_selector(key, value) if {
	_updates
	input.old_pod.spec.nodeSelector[key] == value
}
