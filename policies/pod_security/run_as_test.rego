package usher.pod_security_test

run_as(version, spec, context) := {v |
	some v in denied("restricted", version, pod_of(spec, context))
	startswith(v.check, "runAs")
}

test_root_is_explicit if {
	msg := "runAsNonRoot is false; set it to true"
	pod := {"check": "runAsNonRoot", "msg": msg, "path": "/spec/securityContext/runAsNonRoot"}
	below := "securityContext/runAsNonRoot"
	root := {"runAsNonRoot": false}
	run_as("latest", {"securityContext": root}, root) == {pod} | in_each_list("runAsNonRoot", msg, below)
	run_as("latest", {"securityContext": root}, {}) == {pod}
	run_as("latest", {"securityContext": {"runAsNonRoot": true}}, root) == in_each_list("runAsNonRoot", msg, below)
}

test_root_is_the_default if {
	msg := "runAsNonRoot is not set; set it to true for the pod or here"
	below := "securityContext/runAsNonRoot"
	run_as("v1.0", {}, {}) == in_each_list("runAsNonRoot", msg, below)
	run_as("v1.0", {"securityContext": {"runAsNonRoot": null}}, {}) == in_each_list("runAsNonRoot", msg, below)
	run_as("v1.0", {}, {"runAsNonRoot": true}) == set()
	run_as("v1.0", {"securityContext": {"runAsNonRoot": true}}, {}) == set()
}

test_user_0_is_root_since_v1_23 if {
	msg := "runAsUser is 0; leave it out or set it to the ID of another user"
	nobody := {"runAsNonRoot": true, "runAsUser": 0}
	pod := {"check": "runAsUser", "msg": msg, "path": "/spec/securityContext/runAsUser"}
	found := in_each_list("runAsUser", msg, "securityContext/runAsUser")
	run_as("v1.23", {"securityContext": nobody}, nobody) == {pod} | found
	run_as("v1.22", {"securityContext": nobody}, nobody) == set()
	run_as("v1.23", {"securityContext": {"runAsNonRoot": true, "runAsUser": 1}}, {}) == set()
}

test_root_in_a_user_namespace_since_v1_35 if {
	root := {"runAsNonRoot": false, "runAsUser": 0}
	own := {"hostUsers": false, "securityContext": root}
	count(run_as("v1.34", own, root)) == 8
	run_as("v1.35", own, root) == set()
	count(run_as("v1.35", object.union(own, {"hostUsers": true}), root)) == 8
}
