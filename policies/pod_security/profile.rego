package usher.pod_security

# A profile is a level and the minor version of Kubernetes whose standards are meant. The labels of the
# namespace are read as PolicyToEvaluate in k8s.io/pod-security-admission/api reads them: a level that
# does not parse is restricted where it is enforced and privileged otherwise, a version that does not
# parse is the latest.

_enforced := {"level": _level(level, "restricted"), "minor": _minor(version)} if {
	labels := object.get(input, ["namespace", "metadata", "labels"], {})
	level := object.get(labels, "pod-security.kubernetes.io/enforce", _default_level)
	version := object.get(labels, "pod-security.kubernetes.io/enforce-version", input.params.default_version)
}

_audited := {"level": _level(level, "privileged"), "minor": _minor(version)} if {
	labels := input.namespace.metadata.labels
	level := labels["pod-security.kubernetes.io/audit"]
	version := object.get(labels, "pod-security.kubernetes.io/audit-version", input.params.default_version)
}

_warned := {"level": _level(level, "privileged"), "minor": _minor(version)} if {
	labels := input.namespace.metadata.labels
	level := labels["pod-security.kubernetes.io/warn"]
	version := object.get(labels, "pod-security.kubernetes.io/warn-version", input.params.default_version)
} else := {"level": _enforced.level, "minor": _minor(version)} if {
	_warned_as_enforced
	version := input.namespace.metadata.labels["pod-security.kubernetes.io/warn-version"]
} else := _enforced if {
	_warned_as_enforced
}

# A namespace that names a level to enforce and none to warn of is warned of that level.
_warned_as_enforced if {
	input.namespace.metadata.labels["pod-security.kubernetes.io/enforce"] in {"baseline", "restricted"}
}

_default_level := input.params.tenant_default_level if {
	input.tenant.metadata
} else := input.params.default_level

_level(name, fallback) := name if {
	name in {"privileged", "baseline", "restricted"}
} else := fallback

# The latest is newer than any minor version that a check names.
_minor(version) := 1000000 if {
	version == "latest"
} else := to_number(substring(version, 3, -1)) if {
	_numbered(version)
} else := 1000000

_numbered(version) if regex.match(`^v1\.(0|[1-9][0-9]*)$`, version)
