package usher.pod_security_test

seccomp(level, version, pod) := {v |
	some v in denied(level, version, pod)
	startswith(v.check, "seccompProfile_")
}

unconfined := {"seccompProfile": {"type": "Unconfined"}}

test_seccomp_types if {
	msg := `seccomp profile type is "Unconfined"; use RuntimeDefault or Localhost`
	below := "securityContext/seccompProfile/type"
	every level, check in {"baseline": "seccompProfile_baseline", "restricted": "seccompProfile_restricted"} {
		pod := {"check": check, "msg": msg, "path": "/spec/securityContext/seccompProfile/type"}
		found := seccomp(level, "v1.19", pod_of({"securityContext": unconfined}, unconfined))
		found == {pod} | in_each_list(check, msg, below)
		every type in ["RuntimeDefault", "Localhost"] {
			profile := {"seccompProfile": {"type": type}}
			seccomp(level, "v1.19", pod_of({"securityContext": profile}, profile)) == set()
		}
	}
}

test_seccomp_has_to_be_set if {
	msg := "seccomp profile is not set; set RuntimeDefault or Localhost for the pod or here"
	below := "securityContext/seccompProfile/type"
	profile := {"seccompProfile": {"type": "RuntimeDefault"}}
	seccomp("restricted", "v1.19", pod_of({}, {})) == in_each_list("seccompProfile_restricted", msg, below)
	seccomp("restricted", "v1.19", pod_of({}, profile)) == set()
	seccomp("restricted", "v1.19", pod_of({"securityContext": profile}, {})) == set()
	seccomp("baseline", "v1.19", pod_of({}, {})) == set()
	seccomp("restricted", "v1.18", pod_of({}, unconfined)) == set()
}

test_seccomp_is_no_matter_on_windows_since_v1_25 if {
	windows := pod_of({"os": {"name": "windows"}}, {})
	count(seccomp("restricted", "v1.24", windows)) == 3
	seccomp("restricted", "v1.25", windows) == set()
}

test_seccomp_annotations_until_v1_18 if {
	annotations := {
		"seccomp.security.alpha.kubernetes.io/pod": "unconfined",
		"container.seccomp.security.alpha.kubernetes.io/containers": "",
		"container.seccomp.security.alpha.kubernetes.io/initContainers": "docker/default",
		"container.seccomp.security.alpha.kubernetes.io/ephemeralContainers": "localhost/p",
		"container.seccomp.security.alpha.kubernetes.io/stranger": "unconfined",
	}
	pod := object.union(pod_of({}, {}), {"metadata": {"annotations": annotations}})
	every level in ["baseline", "restricted"] {
		seccomp(level, "v1.18", pod) == {
			{
				"check": "seccompProfile_baseline",
				"msg": `seccomp profile is "unconfined"; leave it out or use runtime/default or localhost/PROFILE`,
				"path": "/metadata/annotations/seccomp.security.alpha.kubernetes.io~1pod",
			},
			{
				"check": "seccompProfile_baseline",
				"msg": `seccomp profile is ""; leave it out or use runtime/default or localhost/PROFILE`,
				"path": "/metadata/annotations/container.seccomp.security.alpha.kubernetes.io~1containers",
			},
		}
	}
	seccomp("baseline", "v1.19", pod) == set()
}
