package usher.pod_security_test

test_se_linux_options if {
	bad := {"seLinuxOptions": {"type": "spc_t", "user": "u", "role": "r", "level": "s0"}}
	messages := {
		"type": `SELinux type is "spc_t"; leave it out or use container_init_t, container_kvm_t, container_t`,
		"user": `SELinux user is "u"; leave it out`,
		"role": `SELinux role is "r"; leave it out`,
	}
	denied("baseline", "v1.0", pod_of({"securityContext": bad}, bad)) == {v |
		some field, msg in messages
		below := sprintf("securityContext/seLinuxOptions/%s", [field])
		pod := {"check": "seLinuxOptions", "msg": msg, "path": sprintf("/spec/%s", [below])}
		some v in ({pod} | in_each_list("seLinuxOptions", msg, below))
	}
}

test_se_linux_types_by_version if {
	every type in ["container_t", "container_init_t", "container_kvm_t", ""] {
		denied("baseline", "v1.0", pod_of({}, {"seLinuxOptions": {"type": type}})) == set()
	}
	engine := pod_of({}, {"seLinuxOptions": {"type": "container_engine_t"}})
	count(denied("baseline", "v1.30", engine)) == 3
	denied("baseline", "v1.31", engine) == set()
}
