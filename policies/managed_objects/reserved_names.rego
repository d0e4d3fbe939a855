package usher.managed_objects

import data.usher.lib.patterns
import data.usher.lib.tenants

# What stands there already keeps the fields that usher does not set, when usher
# comes to manage it.
deny contains {"check": "reserved-name", "msg": msg, "path": "/metadata/name"} if {
	input.request.kind.kind in {"LimitRange", "NetworkPolicy", "ResourceQuota", "RoleBinding"}
	input.request.operation == "CREATE"
	_writes_unmanaged
	some pattern in _reserved_names[input.request.kind.kind]
	patterns.matches(pattern, _metadata.name)
	msg := sprintf(
		"%s %q is what usher makes for tenant %q; choose another name",
		[input.request.kind.kind, _metadata.name, tenants.name],
	)
}

_reserved_names := {
	"LimitRange": {sprintf("%s-limits", [tenants.name])},
	"NetworkPolicy": _reserved_policies,
	"ResourceQuota": {sprintf("%s-quota", [tenants.name]), sprintf("%s-share", [tenants.name])},
	"RoleBinding": {sprintf("%s-admin-binding", [tenants.name]), sprintf("%s-developer-binding", [tenants.name])},
}

# Where no policies of a tenant are allowed, no name of theirs matters.
_reserved_policies contains name if {
	_network_is_isolated
	input.params.tenant_network_policies == "allow"
	some name in [
		"default-deny-all", "allow-same-namespace", "allow-same-tenant", "allow-dns",
		"allow-external-egress", "allow-external-egress-*",
	]
}

_reserved_policies contains name if {
	input.params.tenant_network_policies == "allow"
	some name, _ in input.tenant.spec.network.policies
}
