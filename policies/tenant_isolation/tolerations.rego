package usher.tenant_isolation

deny contains {"check": "toleration", "msg": msg, "path": path} if {
	_pools_closed
	some i, toleration in input.pod.spec.tolerations
	not _of_no_pool(toleration)
	msg := _toleration_fault(toleration)
	not _kept_toleration(toleration)
	path := sprintf("/spec/tolerations/%v", [i])
}

deny contains {"check": "toleration", "msg": "tolerations has to be a list", "path": "/spec/tolerations"} if {
	_pools_closed
	value := input.pod.spec.tolerations
	not _list_or_unset(value)
}

_of_no_pool(toleration) if {
	is_string(toleration.key)
	toleration.key != ""
	not toleration.key in _taint_keys
}

_toleration_fault(toleration) := sprintf("toleration %s is not an object", [_quoted(toleration)]) if not is_object(toleration)

# Without a key a toleration is for every key, whatever its operator.
else := "toleration without a key opens every tenant's pool; name the taint that is meant, by its key" if {
	object.get(toleration, "key", "") in {"", null}
}

else := sprintf("toleration key %s is not a string", [_quoted(toleration.key)]) if not is_string(toleration.key)

# Exists stands for every tenant; Lt and Gt for every tenant whose name is a
# number on that side.
else := sprintf("toleration of %q with operator %s opens other tenants' pools; %s", [
	toleration.key,
	_quoted(toleration.operator),
	_own_taint_hint,
]) if {
	not object.get(toleration, "operator", "") in {"", null, "Equal"}
}

else := sprintf("toleration of %s opens another tenant's pool; %s", [
	_pair(toleration.key, object.get(toleration, "value", "")),
	_own_taint_hint,
]) if {
	not _own_taint(toleration.key, object.get(toleration, "value", ""))
}

# Pods may gain tolerations and change their seconds, nothing else.
_kept_toleration(toleration) if {
	_updates
	is_object(toleration)
	some old in input.old_pod.spec.tolerations
	is_object(old)
	object.remove(old, ["tolerationSeconds"]) == object.remove(toleration, ["tolerationSeconds"])
}
