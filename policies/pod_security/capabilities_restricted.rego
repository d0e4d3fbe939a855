package usher.pod_security

# A process that is not root needs no capability, but for ports below 1024.
_faults("capabilities", value, profile) := object.union(_kept(value), _added(value)) if {
	_drop_all(profile)
	_linux(profile)
}

_missing("capabilities", profile) := {
	"check": "capabilities_restricted",
	"msg": "no capabilities are dropped; drop ALL",
	"below": "/drop",
} if {
	_drop_all(profile)
	_linux(profile)
}

# From v1.22 on this takes the place of capabilities_baseline.
_drop_all(profile) if {
	profile.level == "restricted"
	profile.minor >= 22
}

_kept(value) := {} if {
	"ALL" in value.drop
} else := {"/drop": {
	"check": "capabilities_restricted",
	"msg": sprintf("dropped capabilities are %s; drop ALL", [_shown(value, "drop")]),
}}

_added(value) := {sprintf("/add/%v", [i]): {
	"check": "capabilities_restricted",
	"msg": sprintf("capability %s is added; add none but NET_BIND_SERVICE", [json.marshal(name)]),
} |
	some i, name in value.add
	name != "NET_BIND_SERVICE"
}
