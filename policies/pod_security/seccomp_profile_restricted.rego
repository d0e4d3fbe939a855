package usher.pod_security

# Kubernetes leaves seccomp off unless the pod, or each of its containers, asks for it. From v1.19 on,
# when profiles became fields, this takes the place of seccompProfile_baseline.
_faults("seccompProfile", value, profile) := {"/type": _seccomp_fault("seccompProfile_restricted", value)} if {
	not _default_or_local(value)
	_seccomp_asked_for(profile)
}

_missing("seccompProfile", profile) := {
	"check": "seccompProfile_restricted",
	"msg": "seccomp profile is not set; set RuntimeDefault or Localhost for the pod or here",
	"below": "/type",
} if {
	not _pod_sets("seccompProfile")
	_seccomp_asked_for(profile)
}

_seccomp_asked_for(profile) if {
	profile.level == "restricted"
	profile.minor >= 19
	_linux(profile)
}

_seccomp_fault(check, value) := {
	"check": check,
	"msg": sprintf(
		"seccomp profile type is %s; use RuntimeDefault or Localhost",
		[_shown(value, "type")],
	),
}
