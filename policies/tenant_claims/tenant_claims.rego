# METADATA
# title: Tenant claims
# description: >-
#   Two Tenants never claim one namespace or one node pool: the second is refused
#   at once, by the name of the first. It is judged on what all Tenants claim as
#   the webhook's watch last saw it. Of two that come in the same moment
#   usher-controller accepts the older (condition Accepted), and the other grants
#   nothing. An update answers for what it claims anew.
# custom:
#   severity: high
#   checks:
#     namespace: no other Tenant lists the namespace
#     reserved-namespace: namespaces of the platform are no tenant's
#     node-pool: no other Tenant's node pool has the same taint or the same nodes
#   parameters:
#     reserved_namespaces:
#       description: >-
#         namespaces of the platform that no Tenant may list, such as those of
#         ingress controllers and GPU operators, as patterns with * at the beginning
#         or the end; default, usher-system and kube-* can be listed by none anyway
#       default: []
package usher.tenant_claims

import data.usher.lib.patterns

deny contains {"check": "namespace", "msg": msg, "path": sprintf("/spec/namespaces/%d", [i])} if {
	input.request.kind.kind == "Tenant"
	_of_usher
	some i, namespace in _spec.namespaces
	not namespace in object.get(_old_spec, "namespaces", [])
	some other in _others
	namespace in other.namespaces
	msg := sprintf("namespace %q is also claimed by Tenant %q; take it out of one of them", [namespace, other.name])
}

deny contains {"check": "reserved-namespace", "msg": msg, "path": sprintf("/spec/namespaces/%d", [i])} if {
	input.request.kind.kind == "Tenant"
	_of_usher
	some i, namespace in _spec.namespaces
	not namespace in object.get(_old_spec, "namespaces", [])
	patterns.matches_any(input.params.reserved_namespaces, namespace)
	msg := sprintf("namespace %q is the platform's and can be no tenant's; take it out", [namespace])
}

_of_usher if input.request.kind.group == "usher.dev"

default _name := ""

_name := input.request.object.metadata.name if is_string(input.request.object.metadata.name)

default _spec := {}

_spec := input.request.object.spec if is_object(input.request.object.spec)

default _old_spec := {}

_old_spec := input.request.oldObject.spec if is_object(input.request.oldObject.spec)

_others contains other if {
	some other in input.tenants
	other.name != _name
}
