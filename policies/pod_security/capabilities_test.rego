package usher.pod_security_test

capabilities(level, version, value) := {v |
	some v in denied(level, version, pod_of({}, {"capabilities": value}))
	startswith(v.check, "capabilities_")
}

test_capabilities_beyond_the_default_ones if {
	defaults := concat(", ", [
		"AUDIT_WRITE, CHOWN, DAC_OVERRIDE, FOWNER, FSETID, KILL, MKNOD, NET_BIND_SERVICE, SETFCAP, SETGID",
		"SETPCAP, SETUID, SYS_CHROOT",
	])
	msg := sprintf(`capability "NET_RAW" is added; add none but %s`, [defaults])
	below := "securityContext/capabilities/add/1"
	capabilities("baseline", "latest", {"add": ["CHOWN", "NET_RAW"]}) == in_each_list("capabilities_baseline", msg, below)
}

test_capabilities_have_to_be_dropped if {
	below := "securityContext/capabilities/drop"
	none := "no capabilities are dropped; drop ALL"
	capabilities("restricted", "latest", null) == in_each_list("capabilities_restricted", none, below)
	some_ := `dropped capabilities are ["all"]; drop ALL`
	capabilities("restricted", "latest", {"drop": ["all"]}) == in_each_list("capabilities_restricted", some_, below)
	not_set := "dropped capabilities are not set; drop ALL"
	capabilities("restricted", "latest", {}) == in_each_list("capabilities_restricted", not_set, below)
	capabilities("restricted", "latest", {"drop": ["CHOWN", "ALL"]}) == set()
}

test_one_capability_may_be_added if {
	capabilities("restricted", "latest", {"drop": ["ALL"], "add": ["NET_BIND_SERVICE"]}) == set()
	msg := `capability "CHOWN" is added; add none but NET_BIND_SERVICE`
	below := "securityContext/capabilities/add/0"
	found := capabilities("restricted", "latest", {"drop": ["ALL"], "add": ["CHOWN"]})
	found == in_each_list("capabilities_restricted", msg, below)
}

test_restricted_replaces_baseline_since_v1_22 if {
	both := {"add": ["NET_RAW"]}
	{v.check | some v in capabilities("restricted", "v1.21", both)} == {"capabilities_baseline"}
	{v.check | some v in capabilities("restricted", "v1.22", both)} == {"capabilities_restricted"}
}

test_capabilities_are_no_matter_on_windows_since_v1_25 if {
	windows := pod_of({"os": {"name": "windows"}}, {})
	"capabilities_restricted" in failed("restricted", "v1.24", windows)
	not "capabilities_restricted" in failed("restricted", "v1.25", windows)
}
