# METADATA
# title: Managed objects
# description: >-
#   What usher makes in a tenant's namespaces (quotas, limits, network policies,
#   role bindings, the namespace itself) is changed and deleted by the platform
#   alone, whatever rights somebody of the tenant has there. Nor does the tenant
#   open from beside what they close: with network policies of its own, with
#   owners that make the garbage collector delete a namespace, by binding
#   outsiders, or by external IPs that catch others' traffic.
# custom:
#   severity: critical
#   checks:
#     managed-object: only the platform makes, changes and deletes what usher manages
#     reserved-name: names of what usher makes are not taken before it does
#     namespace-deletion: only the platform deletes a tenant's namespace
#     namespace-owner: a tenant's namespace has no owner with which it would go
#     namespace-label: only the platform says which namespaces usher made
#     network-policy: where the platform isolates a tenant's network, only it opens it
#     role-binding: a tenant's namespace is open to the tenant's owners and service accounts
#     external-ip: a Service takes no external IP that the platform has not given
#   parameters:
#     platform:
#       description: >-
#         who makes, changes and deletes what usher manages. The match conditions
#         of the webhook let the default pass without a question, so that the
#         platform is never kept out; who is added here is asked
#       default:
#         users: ["system:serviceaccount:usher-system:usher-controller"]
#         groups: ["system:masters"]
#     cluster_controllers:
#       description: >-
#         the parts of Kubernetes that keep quotas up to date and delete what is in
#         a namespace that is deleted, or whose owner is gone. The match conditions
#         let them pass as well
#       default:
#         users:
#           - system:apiserver
#           - system:kube-controller-manager
#           - system:serviceaccount:kube-system:generic-garbage-collector
#           - system:serviceaccount:kube-system:namespace-controller
#           - system:serviceaccount:kube-system:resourcequota-controller
#         groups: []
#     tenant_network_policies:
#       description: >-
#         deny or allow. NetworkPolicies add up, so that one that a tenant makes
#         opens what the platform's closes: the metadata service of the cloud,
#         other tenants. Those that a tenant needs belong into the Tenant's
#         spec.network.policies. Where a Tenant has no spec.network, its
#         NetworkPolicies are its own affair
#       default: deny
#     tenant_role_bindings:
#       description: >-
#         owners or anybody: to whom somebody of a tenant may bind roles in its
#         namespaces. owners are those in the Tenant's spec.owners, and service
#         accounts of the tenant's namespaces. Kubernetes itself bounds which
#         roles: nobody gives what he has not
#       default: owners
#     bindable:
#       description: who may be bound in every tenant's namespaces, beside its owners
#       default:
#         users: []
#         groups: []
#     external_ips:
#       description: the addresses that Services may name in spec.externalIPs (CVE-2020-8554)
#       default: []
package usher.managed_objects

import data.usher.lib.pointers
import data.usher.lib.tenants

deny contains {"check": "managed-object", "msg": msg, "path": deed.path} if {
	input.request.kind.kind in {"LimitRange", "NetworkPolicy", "ResourceQuota", "Role", "RoleBinding"}
	not _is_platform
	some deed in _deeds
	msg := sprintf("%s may not %s", [tenants.requester, deed.described])
}

_deeds contains {"described": described, "path": sprintf("/metadata/labels/%s", [pointers.escape(_tenant_label)])} if {
	not _was_managed
	_is_managed
	described := sprintf(
		"make a %s that is labelled as one that usher manages; leave out label %q, or ask the platform team (%s)",
		[input.request.kind.kind, _tenant_label, _platform_described],
	)
}

_deeds contains {"described": sprintf("change %s", [_managed_described]), "path": path} if {
	_was_managed
	some path in _changes
}

_deeds contains {"described": sprintf("delete %s", [_managed_described]), "path": ""} if {
	_was_managed
	input.request.operation == "DELETE"
	not _namespace_is_deleted
}

_managed_described := sprintf(
	"%s %s, which usher manages for tenant %q; ask the platform team (%s) to change the Tenant",
	[input.request.kind.kind, _quoted_name, _old_labels[_tenant_label], _platform_described],
)

# What goes with its namespace anyway is nobody's loss.
_namespace_is_deleted if input.namespace.metadata.deletionTimestamp
