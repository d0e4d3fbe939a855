package usher.pod_security_test

import data.usher.pod_security

latest := 1000000

test_without_labels_nothing_is_enforced if {
	pod_security._enforced == {"level": "privileged", "minor": latest} with input as created({}, {"spec": {}})
	not pod_security._warned with input as created({}, {"spec": {}})
	not pod_security._audited with input as created({}, {"spec": {}})
}

test_tenants_have_a_default_of_their_own if {
	of_tenant := object.union(created({}, {"spec": {}}), {"tenant": {"metadata": {"name": "a"}}})
	pod_security._enforced.level == "baseline" with input as of_tenant
}

test_a_label_wins_over_the_default if {
	labels := {"pod-security.kubernetes.io/enforce": "privileged"}
	of_tenant := object.union(created(labels, {"spec": {}}), {"tenant": {"metadata": {"name": "a"}}})
	pod_security._enforced.level == "privileged" with input as of_tenant
}

test_without_a_namespace_the_default_is_enforced if {
	without := object.remove(created({}, {"spec": {}}), ["namespace"])
	pod_security._enforced == {"level": "privileged", "minor": latest} with input as without
}

test_the_version_of_the_parameter_counts_without_a_label if {
	older := object.union(created({}, {"spec": {}}), {"params": {"default_version": "v1.20"}})
	pod_security._enforced.minor == 20 with input as older
}

test_versions if {
	every version, minor in {
		"latest": latest,
		"v1.0": 0,
		"v1.24": 24,
		"v1.400": 400,
		"1.24": latest,
		"v1.024": latest,
		"v1.24.1": latest,
		"v1.24 ": latest,
		"v2.0": latest,
		"": latest,
	} {
		labels := {"pod-security.kubernetes.io/enforce-version": version}
		pod_security._enforced.minor == minor with input as created(labels, {"spec": {}})
	}
}

test_a_level_that_does_not_parse_is_restricted_where_enforced if {
	labels := {
		"pod-security.kubernetes.io/enforce": "Baseline",
		"pod-security.kubernetes.io/audit": "Baseline",
		"pod-security.kubernetes.io/warn": "Baseline",
	}
	pod_security._enforced.level == "restricted" with input as created(labels, {"spec": {}})
	pod_security._audited.level == "privileged" with input as created(labels, {"spec": {}})
	pod_security._warned.level == "privileged" with input as created(labels, {"spec": {}})
}

test_warned_of_what_is_enforced if {
	labels := {"pod-security.kubernetes.io/enforce": "baseline", "pod-security.kubernetes.io/enforce-version": "v1.20"}
	pod_security._warned == {"level": "baseline", "minor": 20} with input as created(labels, {"spec": {}})
}

test_warned_of_what_is_enforced_in_another_version if {
	labels := {
		"pod-security.kubernetes.io/enforce": "baseline",
		"pod-security.kubernetes.io/enforce-version": "v1.20",
		"pod-security.kubernetes.io/warn-version": "v1.30",
	}
	pod_security._warned == {"level": "baseline", "minor": 30} with input as created(labels, {"spec": {}})
}

test_not_warned_of_a_level_that_does_not_parse if {
	labels := {"pod-security.kubernetes.io/enforce": "Baseline"}
	not pod_security._warned with input as created(labels, {"spec": {}})
}
