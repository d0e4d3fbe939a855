package usher.pod_security

# Capabilities beyond what container runtimes give by default reach out of the container.
_faults("capabilities", value, profile) := {sprintf("/add/%v", [i]): {
	"check": "capabilities_baseline",
	"msg": sprintf("capability %s is added; add none but %s", [
		json.marshal(name),
		concat(", ", _default_capabilities),
	]),
} |
	some i, name in value.add
	not name in _default_capabilities
} if {
	not _drop_all(profile)
}

_default_capabilities := {
	"AUDIT_WRITE",
	"CHOWN",
	"DAC_OVERRIDE",
	"FOWNER",
	"FSETID",
	"KILL",
	"MKNOD",
	"NET_BIND_SERVICE",
	"SETFCAP",
	"SETGID",
	"SETPCAP",
	"SETUID",
	"SYS_CHROOT",
}
