package usher.managed_objects

import data.usher.lib.tenants

# CVE-2020-8554: every node sends what goes to an external IP of a Service to that
# Service, whoever else has the address.
deny contains {"check": "external-ip", "msg": msg, "path": sprintf("/spec/externalIPs/%d", [i])} if {
	input.request.kind.kind == "Service"
	input.request.kind.group == ""
	not _is_platform
	tenants.name
	some i, address in input.request.object.spec.externalIPs
	not address in input.params.external_ips
	not _named_before(address)
	msg := sprintf(
		"external IP %q could catch traffic that is not the tenant's; leave it out and use type LoadBalancer, or ask the platform team (%s) to allow the address",
		[address, _platform_described],
	)
}

_named_before(address) if address in input.request.oldObject.spec.externalIPs
