package usher.pod_security

# SELinux separates containers by their type; another type, user or role lifts that separation.
_faults("seLinuxOptions", options, profile) := {sprintf("/%s", [field]): {
	"check": "seLinuxOptions",
	"msg": sprintf("SELinux %s is %s; leave it out%s", [
		field,
		json.marshal(value),
		_se_linux_hint(field, profile),
	]),
} |
	some field in ["role", "type", "user"]
	value := options[field]
	not value in {"", null}
	not _se_linux_allowed(field, value, profile)
}

_se_linux_allowed("type", value, profile) if _se_linux_types[value] <= profile.minor

# Each type for containers and the minor version since which it may be set.
_se_linux_types := {
	"container_t": 0,
	"container_init_t": 0,
	"container_kvm_t": 0,
	"container_engine_t": 31,
}

_se_linux_hint("type", profile) := sprintf(" or use %s", [concat(", ", types)]) if {
	types := {type | some type, since in _se_linux_types; since <= profile.minor}
}

_se_linux_hint("user", _) := ""

_se_linux_hint("role", _) := ""
