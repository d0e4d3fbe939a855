package usher.pod_security

_violation(check, msg, path) := {"check": check, "msg": msg, "path": path}

# Only pod templates in custom resources can hold values of other types than Kubernetes' own, and null. A
# boolean of another type is not waved through.
_true(value) if not value in {false, null}

# Profiles of seccomp and AppArmor that confine a container.
_default_or_local(profile) if profile.type in {"RuntimeDefault", "Localhost"}

_localhost(profile) if {
	is_string(profile)
	startswith(profile, "localhost/")
}

# The value of a field as messages show it.
_shown(object, field) := json.marshal(object[field]) if {
	object[field] != null
} else := "not set"
