# METADATA
# title: Tenant isolation
# description: >-
#   Keeps every tenant's pods on the nodes that they may use. Pods get their
#   pool's toleration and node selector (Hard), or its toleration, a preference
#   for the pool and a ban on every other pool (Soft). Whatever would lead
#   elsewhere is refused: other tenants' and wildcard tolerations, node names,
#   selectors and affinities, schedulers, priority classes, direct bindings,
#   and labels that move a namespace to another tenant. An update of a pod is
#   judged on what it changes.
# custom:
#   severity: high
#   checks:
#     tenant-exists: the tenant that the namespace's label names is declared
#     toleration: no toleration of other tenants' taints, nor of all taints
#     node-name: only the scheduler chooses a pod's node
#     node-selector: the node selector does not contradict the tenant's pool
#     node-affinity: node affinity names no pool but the tenant's own
#     node-pool: a pod is bound to its pool, or kept off the others'
#     pod-affinity: pod affinity and anti-affinity stay among the tenant's own pods
#     scheduler-name: the pod is left to a scheduler that the tenant may use
#     priority-class: the tenant may use the pod's priority class
#     priority: the pod's priority comes from its priority class
#     usher-metadata: labels and annotations under usher.dev/ are set by usher
#     binding: only schedulers bind pods to nodes
#     tenant-label: only the platform team says which tenant a namespace belongs to
#     policy-label: only the platform team sets a policy's mode in a namespace
#     pod-security-label: only the platform team sets the Pod Security level of a tenant's namespace
#     scheduling-annotation: >-
#       only the platform team sets the default node selector and tolerations
#       of a tenant's namespace
#     daemon-set: a DaemonSet's template already tolerates and selects the tenant's pool
#   parameters:
#     allowed_schedulers:
#       description: >-
#         the schedulers that every tenant's pods may name, beside those in the
#         Tenant's spec.schedulerNames; one that is not listed in binders cannot bind
#       default: [default-scheduler, gpu-topology-scheduler]
#     allowed_priority_classes:
#       description: >-
#         the priority classes that every tenant's pods may name, beside those in
#         the Tenant's spec.priorityClassNames; list the cluster's global default
#         here, because Kubernetes fills it in before usher sees the pod.
#         Classes that begin with system- are refused even when listed
#       default: []
#     pool_keys:
#       description: >-
#         keys of taints and node labels that mark tenants' pools, beside the
#         tenant label; needed where Tenants declare taints or node selectors
#         with keys of their own
#       default: []
#     tenantless_pods_may_enter_pools:
#       description: >-
#         whether pods in namespaces without a tenant may tolerate and select
#         tenants' pools; for a single platform namespace, set the mode of this
#         policy by the namespace's label instead
#       default: false
#     node_name_setters:
#       description: >-
#         who may create pods that name their node, in any namespace; such a pod
#         never meets a scheduler, so the rest of this policy does not judge it.
#         Kubelets need it for mirror pods
#       default:
#         users: []
#         groups: ["system:nodes"]
#     binders:
#       description: who may bind pods to nodes, in any namespace
#       default:
#         users: ["system:kube-scheduler", "system:serviceaccount:usher-system:usher-scheduler"]
#         groups: []
#     namespace_admins:
#       description: >-
#         who may set, change and remove what makes a namespace a tenant's (its
#         tenant, policy and Pod Security labels, its scheduling annotations),
#         and change usher's own labels and annotations on pods
#       default:
#         users: ["system:serviceaccount:usher-system:usher-controller"]
#         groups: ["system:masters"]
package usher.tenant_isolation

import data.usher.lib.tenants

deny contains {"check": "tenant-exists", "msg": msg} if {
	tenants.missing
	is_string(input.pod.path)
	not _updates
	not _placed_by_trusted
	msg := sprintf(
		"namespace label %s names tenant %q, which does not exist; ask the platform team to declare it or to correct the label",
		[tenants.label, tenants.name],
	)
}
