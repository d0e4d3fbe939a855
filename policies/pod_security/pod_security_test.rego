package usher.pod_security_test

import data.usher.pod_security

test_a_restricted_pod_fails_nothing if {
	denied("restricted", "latest", pod_of(restricted_pod, restricted_container)) == set()
}

test_a_pod_that_sets_nothing_fails_what_is_asked_for if {
	failed("restricted", "latest", pod_of({}, {})) == {
		"allowPrivilegeEscalation",
		"capabilities_restricted",
		"runAsNonRoot",
		"seccompProfile_restricted",
	}
	denied("baseline", "latest", pod_of({}, {})) == set()
}

test_privileged_allows_everything if {
	denied("privileged", "latest", pod_of({"hostNetwork": true}, {"privileged": true})) == set()
}

test_each_mode_has_its_own_level if {
	labels := {
		"pod-security.kubernetes.io/enforce": "baseline",
		"pod-security.kubernetes.io/audit": "restricted",
		"pod-security.kubernetes.io/warn": "restricted",
		"pod-security.kubernetes.io/warn-version": "v1.7",
	}
	in_modes(labels, pod_of({"hostNetwork": true}, {})) == {
		"deny": {"hostNamespaces"},
		"warn": {"hostNamespaces", "runAsNonRoot"},
		"audit": {
			"allowPrivilegeEscalation",
			"capabilities_restricted",
			"hostNamespaces",
			"runAsNonRoot",
			"seccompProfile_restricted",
		},
	}
}

in_modes(labels, pod) := {
	"deny": {v.check | some v in denials},
	"warn": {v.check | some v in warnings},
	"audit": {v.check | some v in notes},
} if {
	denials := pod_security.deny with input as created(labels, pod)
	warnings := pod_security.warn with input as created(labels, pod)
	notes := pod_security.audit with input as created(labels, pod)
}

test_the_same_violation_twice_is_two_violations if {
	containers := [
		{"name": "a", "securityContext": {"privileged": true}},
		{"name": "b", "securityContext": {"privileged": true}},
	]
	msg := "privileged is true; leave it out or set it to false"
	denied("baseline", "latest", {"spec": {"containers": containers}}) == {
		{"check": "privileged", "msg": msg, "path": "/spec/containers/0/securityContext/privileged"},
		{"check": "privileged", "msg": msg, "path": "/spec/containers/1/securityContext/privileged"},
	}
}

test_what_counts_as_innocuous_fails_no_check if {
	every level in ["baseline", "restricted"] {
		every minor in numbers.range(0, 40) {
			every setting in pod_security._innocuous {
				[field, value] := setting
				faults := [f | f := pod_security._faults(field, value, {"level": level, "minor": minor})[_]]
				count(faults) == 0
			}
		}
	}
}
