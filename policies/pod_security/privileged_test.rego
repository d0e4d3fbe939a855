package usher.pod_security_test

test_privileged_containers if {
	msg := "privileged is true; leave it out or set it to false"
	found := in_each_list("privileged", msg, "securityContext/privileged")
	denied("baseline", "v1.0", pod_of({}, {"privileged": true})) == found
	denied("baseline", "v1.0", pod_of({}, {"privileged": "true"})) == found
	denied("baseline", "v1.0", pod_of({}, {"privileged": false})) == set()
	denied("baseline", "v1.0", pod_of({}, {"privileged": null})) == set()
}

test_windows_host_processes if {
	msg := "hostProcess is true; leave it out or set it to false"
	below := "securityContext/windowsOptions/hostProcess"
	host := {"windowsOptions": {"hostProcess": true}}
	pod := {"check": "windowsHostProcess", "msg": msg, "path": sprintf("/spec/%s", [below])}
	found := denied("baseline", "v1.0", pod_of({"securityContext": host}, host))
	found == {pod} | in_each_list("windowsHostProcess", msg, below)
	denied("baseline", "v1.0", pod_of({}, {"windowsOptions": {"hostProcess": false}})) == set()
}
