# METADATA
# title: Pod Security Standards
# description: |
#   The baseline and restricted Pod Security Standards, in every version from v1.0 on, by the
#   pod-security.kubernetes.io labels of the namespace. The check ids and the verdicts are those of
#   Kubernetes' own evaluator. Pod templates are judged as pods are.
# custom:
#   severity: high
#   checks:
#     allowPrivilegeEscalation: containers set allowPrivilegeEscalation to false (restricted, from v1.8)
#     appArmorProfile: AppArmor profiles are the runtime's default or a local one (baseline)
#     capabilities_baseline: containers add none but the default capabilities (baseline)
#     capabilities_restricted: containers drop ALL capabilities and add none but NET_BIND_SERVICE (restricted, from v1.22)
#     hostNamespaces: pods use their own network, PID and IPC namespaces (baseline)
#     hostPathVolumes: volumes are not directories of the node (baseline)
#     hostPorts: containers open no ports of the node (baseline)
#     hostProbesAndHostLifecycle: probes and lifecycle hooks call the pod's own address (baseline, from v1.34)
#     privileged: containers are not privileged (baseline)
#     procMount: containers keep the masks over /proc (baseline; until v1.34 restricted too)
#     procMount_restricted: containers keep the masks over /proc, in user namespaces too (restricted, from v1.35)
#     restrictedVolumes: volumes are of a type that needs no trust in the pod (restricted)
#     runAsNonRoot: containers run as another user than root (restricted)
#     runAsUser: runAsUser is not 0 (restricted, from v1.23)
#     seLinuxOptions: SELinux types are those for containers, user and role are not set (baseline)
#     seccompProfile_baseline: seccomp is not turned off (baseline)
#     seccompProfile_restricted: every container has a seccomp profile (restricted, from v1.19)
#     sysctls: sysctls are those that stay within the pod (baseline)
#     windowsHostProcess: Windows containers are not host processes (baseline)
#     namespace-label: pod-security.kubernetes.io labels of namespaces name a level or a version
#   parameters:
#     default_level:
#       description: the level enforced where a namespace has no pod-security.kubernetes.io/enforce label
#       default: privileged
#     tenant_default_level:
#       description: the same for the namespaces of tenants
#       default: baseline
#     default_version:
#       description: the version of the standards where a namespace has no label for it
#       default: latest
package usher.pod_security

deny contains v if some v in _violations(_enforced)

warn contains v if some v in _violations(_warned)

audit contains v if some v in _violations(_audited)

# What a pod does that a profile forbids. Modes that name the same profile share one evaluation: OPA
# remembers what a function returned for its arguments.
_violations(profile) := union({
	_forbidden_settings(profile),
	_missing_settings(profile),
	_host_handlers(profile),
	_host_ports,
	_host_namespaces,
	_forbidden_volumes(profile),
	_forbidden_annotations(profile),
}) if {
	profile.level != "privileged"
}
