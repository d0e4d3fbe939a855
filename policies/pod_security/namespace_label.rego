package usher.pod_security

import data.usher.lib.pointers

# A label that does not parse counts as something else than whoever wrote it meant. Kubernetes refuses
# it, unless the namespace had it before (ValidateNamespace in k8s.io/pod-security-admission/admission).
deny contains _violation("namespace-label", msg, path) if {
	input.request.kind.kind == "Namespace"
	some label in _labels
	value := input.request.object.metadata.labels[label]
	kind := _kinds[label]
	not _parses(value, kind)
	not input.request.oldObject.metadata.labels[label] == value
	msg := sprintf("label is %s; it has to be %s", [json.marshal(value), _expected[kind]])
	path := sprintf("/metadata/labels/%s", [pointers.escape(label)])
}

# Whoever is refused by such a label can see why.
warn contains {"check": "namespace-label", "msg": msg} if {
	count(_violations(_enforced)) > 0
	some label in ["pod-security.kubernetes.io/enforce", "pod-security.kubernetes.io/enforce-version"]
	value := input.namespace.metadata.labels[label]
	kind := _kinds[label]
	not _parses(value, kind)
	msg := sprintf("the namespace's label %s is %s, and %s counts; it has to be %s", [
		label,
		json.marshal(value),
		{"level": "restricted", "version": "latest"}[kind],
		_expected[kind],
	])
}

# An array, so that usher knows which labels of an object are read.
_labels := [
	"pod-security.kubernetes.io/audit",
	"pod-security.kubernetes.io/audit-version",
	"pod-security.kubernetes.io/enforce",
	"pod-security.kubernetes.io/enforce-version",
	"pod-security.kubernetes.io/warn",
	"pod-security.kubernetes.io/warn-version",
]

_kinds[label] := "version" if {
	some label in _labels
	endswith(label, "-version")
}

_kinds[label] := "level" if {
	some label in _labels
	not endswith(label, "-version")
}

_expected := {"level": "privileged, baseline or restricted", "version": "latest or v1.x, such as v1.37"}

_parses(value, "level") if value in {"privileged", "baseline", "restricted"}

_parses("latest", "version")

_parses(value, "version") if _numbered(value)
