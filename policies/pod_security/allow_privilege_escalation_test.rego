package usher.pod_security_test

escalation(version, context) := {v |
	some v in denied("restricted", version, pod_of({}, context))
	v.check == "allowPrivilegeEscalation"
}

test_escalation_has_to_be_ruled_out if {
	below := "securityContext/allowPrivilegeEscalation"
	not_set := "allowPrivilegeEscalation is not set; set it to false"
	escalation("latest", {}) == in_each_list("allowPrivilegeEscalation", not_set, below)
	escalation("latest", {"allowPrivilegeEscalation": null}) == in_each_list("allowPrivilegeEscalation", not_set, below)
	true_ := "allowPrivilegeEscalation is true; set it to false"
	escalation("latest", {"allowPrivilegeEscalation": true}) == in_each_list("allowPrivilegeEscalation", true_, below)
	escalation("latest", {"allowPrivilegeEscalation": false}) == set()
}

test_escalation_since_v1_8 if {
	escalation("v1.7", {}) == set()
	count(escalation("v1.8", {})) == 3
}

test_escalation_is_no_matter_on_windows_since_v1_25 if {
	windows := {"os": {"name": "windows"}}
	"allowPrivilegeEscalation" in failed("restricted", "v1.24", pod_of(windows, {}))
	not "allowPrivilegeEscalation" in failed("restricted", "v1.25", pod_of(windows, {}))
	"allowPrivilegeEscalation" in failed("restricted", "v1.25", pod_of({"os": {"name": "linux"}}, {}))
}
