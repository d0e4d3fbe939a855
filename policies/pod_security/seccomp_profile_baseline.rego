package usher.pod_security

import data.usher.lib.pods
import data.usher.lib.pointers

# Seccomp keeps system calls from the kernel that containers do not need.
_faults("seccompProfile", value, profile) := {"/type": _seccomp_fault("seccompProfile_baseline", value)} if {
	profile.level == "baseline"
	profile.minor >= 19
	not _default_or_local(value)
}

# Up to v1.18 profiles are annotations, and restricted asks no more than baseline does.
_forbidden_annotations(profile) := _app_armor_annotations | _seccomp_annotations if {
	profile.minor < 19
} else := _app_armor_annotations

_seccomp_annotations contains _seccomp_annotation(key, value) if {
	key := "seccomp.security.alpha.kubernetes.io/pod"
	value := input.pod.metadata.annotations[key]
	not _confining_annotation(value)
}

_seccomp_annotations contains _seccomp_annotation(key, value) if {
	some key, value in input.pod.metadata.annotations
	startswith(key, "container.seccomp.security.alpha.kubernetes.io/")
	trim_prefix(key, "container.seccomp.security.alpha.kubernetes.io/") in _container_names
	not _confining_annotation(value)
}

_confining_annotation(value) if value in {"runtime/default", "docker/default"}

_confining_annotation(value) if _localhost(value)

# An annotation that names no container is not heeded.
_container_names contains object.get({null: ""}, name, name) if {
	some list in pods.container_lists
	some i, _ in input.pod.spec[list]
	name := object.get(input.pod.spec, [list, i, "name"], "")
}

_seccomp_annotation(key, value) := _violation("seccompProfile_baseline", msg, path) if {
	msg := sprintf(
		"seccomp profile is %s; leave it out or use runtime/default or localhost/PROFILE",
		[json.marshal(value)],
	)
	path := sprintf("/metadata/annotations/%s", [pointers.escape(key)])
}
