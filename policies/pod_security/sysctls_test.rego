package usher.pod_security_test

sysctls(version, names) := {v.path |
	listed := [{"name": name, "value": "1"} | some name in names]
	some v in denied("baseline", version, pod_of({"securityContext": {"sysctls": listed}}, {}))
	v.check == "sysctls"
}

test_sysctls_that_are_not_safe if {
	listed := [{"name": "kernel.shm_rmid_forced"}, {"name": "kernel.msgmax"}, {"value": "1"}]
	safe := concat(", ", [
		"kernel.shm_rmid_forced, net.ipv4.ip_local_port_range, net.ipv4.ip_unprivileged_port_start",
		"net.ipv4.ping_group_range, net.ipv4.tcp_syncookies",
	])
	denied("baseline", "v1.0", pod_of({"securityContext": {"sysctls": listed}}, {})) == {
		{
			"check": "sysctls",
			"msg": sprintf(`sysctl is "kernel.msgmax"; set none but %s`, [safe]),
			"path": "/spec/securityContext/sysctls/1/name",
		},
		{
			"check": "sysctls",
			"msg": sprintf("sysctl is not set; set none but %s", [safe]),
			"path": "/spec/securityContext/sysctls/2/name",
		},
	}
}

test_sysctls_that_became_safe if {
	every name, minor in {
		"net.ipv4.ip_local_reserved_ports": 27,
		"net.ipv4.tcp_keepalive_time": 29,
		"net.ipv4.tcp_fin_timeout": 29,
		"net.ipv4.tcp_keepalive_intvl": 29,
		"net.ipv4.tcp_keepalive_probes": 29,
		"net.ipv4.tcp_rmem": 32,
		"net.ipv4.tcp_wmem": 32,
		"net.ipv4.tcp_slow_start_after_idle": 37,
		"net.ipv4.tcp_notsent_lowat": 37,
	} {
		count(sysctls(sprintf("v1.%d", [minor - 1]), [name])) == 1
		sysctls(sprintf("v1.%d", [minor]), [name]) == set()
	}
}
