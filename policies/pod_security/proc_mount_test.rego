package usher.pod_security_test

proc_mount(level, version, spec) := {v |
	some v in denied(level, version, pod_of(spec, {"procMount": "Unmasked"}))
	startswith(v.check, "procMount")
}

test_the_masks_over_proc_stay if {
	msg := `procMount is "Unmasked"; leave it out or set it to Default`
	below := "securityContext/procMount"
	proc_mount("baseline", "latest", {}) == in_each_list("procMount", msg, below)
	proc_mount("restricted", "v1.34", {}) == in_each_list("procMount", msg, below)
	proc_mount("restricted", "v1.35", {}) == in_each_list("procMount_restricted", msg, below)
	denied("baseline", "latest", pod_of({}, {"procMount": "Default"})) == set()
}

test_the_masks_may_go_in_a_user_namespace_since_v1_35 if {
	own := {"hostUsers": false}
	count(proc_mount("baseline", "v1.34", own)) == 3
	proc_mount("baseline", "v1.35", own) == set()
	count(proc_mount("restricted", "v1.35", own)) == 3
	count(proc_mount("baseline", "v1.35", {"hostUsers": true})) == 3
}
