package usher.managed_objects

import data.usher.lib.tenants

# NetworkPolicies of Kubernetes, and those of Antrea, Calico and Cilium, which are
# read by the same network plugins.
deny contains {"check": "network-policy", "msg": msg} if {
	input.request.kind.kind in {"CiliumNetworkPolicy", "NetworkPolicy"}
	_writes_unmanaged
	_network_is_isolated
	not input.params.tenant_network_policies == "allow"
	msg := sprintf(
		"%s may not write a %s where the platform isolates tenant %q: policies add up, so that this one could open what usher's close; ask the platform team (%s) for one under the Tenant's spec.network.policies",
		[tenants.requester, input.request.kind.kind, tenants.name, _platform_described],
	)
}

_network_is_isolated if is_object(input.tenant.spec.network)

# A Tenant that is gone leaves its isolation behind.
_network_is_isolated if tenants.missing

# Somebody of the tenant makes, or changes more than metadata and status of, an
# object that usher does not manage.
_writes_unmanaged if {
	not _is_platform
	not _was_managed
	not _is_managed
	_makes_or_changes
}

_makes_or_changes if input.request.operation == "CREATE"

_makes_or_changes if {
	input.request.operation == "UPDATE"
	ignored := ["metadata", "status"]
	object.remove(input.request.oldObject, ignored) != object.remove(input.request.object, ignored)
}
