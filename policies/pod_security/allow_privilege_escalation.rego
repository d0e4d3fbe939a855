package usher.pod_security

# Without allowPrivilegeEscalation: false a set-user-ID file makes a process root again.
_faults("allowPrivilegeEscalation", value, profile) := {"": {
	"check": "allowPrivilegeEscalation",
	"msg": sprintf("allowPrivilegeEscalation is %s; set it to false", [json.marshal(value)]),
}} if {
	value != false
	_no_escalation(profile)
}

_missing("allowPrivilegeEscalation", profile) := {
	"check": "allowPrivilegeEscalation",
	"msg": "allowPrivilegeEscalation is not set; set it to false",
	"below": "",
} if {
	_no_escalation(profile)
}

_no_escalation(profile) if {
	profile.level == "restricted"
	profile.minor >= 8
	_linux(profile)
}
