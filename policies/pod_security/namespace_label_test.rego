package usher.pod_security_test

import data.usher.pod_security

namespace_denied(labels, old_labels) := violations if {
	violations := pod_security.deny with input as {
		"request": {
			"kind": {"kind": "Namespace"},
			"object": {"metadata": {"labels": labels}},
			"oldObject": {"metadata": {"labels": old_labels}},
		},
		"params": {"default_level": "privileged", "tenant_default_level": "baseline", "default_version": "latest"},
	}
}

misspelled := {
	"pod-security.kubernetes.io/enforce": "Baseline",
	"pod-security.kubernetes.io/warn-version": "1.24",
	"pod-security.kubernetes.io/audit": "restricted",
	"pod-security.kubernetes.io/enforce-version": "v1.24",
	"pod-security.kubernetes.io/audit-version": "latest",
	"example.com/enforce": "x",
}

test_labels_of_a_namespace_have_to_parse if {
	namespace_denied(misspelled, {}) == {
		{
			"check": "namespace-label",
			"msg": `label is "Baseline"; it has to be privileged, baseline or restricted`,
			"path": "/metadata/labels/pod-security.kubernetes.io~1enforce",
		},
		{
			"check": "namespace-label",
			"msg": `label is "1.24"; it has to be latest or v1.x, such as v1.37`,
			"path": "/metadata/labels/pod-security.kubernetes.io~1warn-version",
		},
	}
}

test_labels_that_were_there_stay if {
	namespace_denied(misspelled, misspelled) == set()
	other := {"pod-security.kubernetes.io/enforce": "none"}
	count(namespace_denied(misspelled, object.union(misspelled, other))) == 1
}

test_who_is_refused_by_a_misspelled_label_is_told if {
	labels := {
		"pod-security.kubernetes.io/enforce": "Restricted",
		"pod-security.kubernetes.io/enforce-version": "1.24",
	}
	pod_security.warn == {
		{"check": "namespace-label", "msg": concat("", [
			`the namespace's label pod-security.kubernetes.io/enforce is "Restricted", and restricted counts; `,
			"it has to be privileged, baseline or restricted",
		])},
		{"check": "namespace-label", "msg": concat("", [
			`the namespace's label pod-security.kubernetes.io/enforce-version is "1.24", and latest counts; `,
			"it has to be latest or v1.x, such as v1.37",
		])},
	} with input as created(labels, pod_of({}, {}))
	pod_security.warn == set() with input as created(labels, pod_of(restricted_pod, restricted_container))
}
