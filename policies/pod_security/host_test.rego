package usher.pod_security_test

test_namespaces_of_the_node if {
	spec := {"hostIPC": true, "hostNetwork": true, "hostPID": true}
	denied("baseline", "v1.0", pod_of(spec, {})) == {{
		"check": "hostNamespaces",
		"msg": sprintf("%s is true; leave it out or set it to false", [field]),
		"path": sprintf("/spec/%s", [field]),
	} |
		some field in ["hostIPC", "hostNetwork", "hostPID"]
	}
	denied("baseline", "v1.0", pod_of({"hostIPC": false, "hostNetwork": null, "hostPID": false}, {})) == set()
}

test_directories_of_the_node if {
	volumes := [{"name": "a", "emptyDir": {}}, {"name": "b", "hostPath": {"path": "/etc"}}]
	denied("baseline", "latest", pod_of({"volumes": volumes}, {})) == {{
		"check": "hostPathVolumes",
		"msg": `volume is "/etc" of the node; use a volume of another type`,
		"path": "/spec/volumes/1/hostPath",
	}}
}

test_ports_of_the_node if {
	ports := [{"containerPort": 80}, {"containerPort": 80, "hostPort": 8080}, {"containerPort": 80, "hostPort": 0}]
	containers := [{"name": "a", "image": "i", "ports": ports}]
	denied("baseline", "latest", pod_of({"containers": containers}, {})) == {{
		"check": "hostPorts",
		"msg": "hostPort is 8080; leave it out and let a Service give access",
		"path": "/spec/containers/0/ports/1/hostPort",
	}}
}

handlers := {
	"livenessProbe": {"httpGet": {"host": "a"}},
	"readinessProbe": {"tcpSocket": {"host": "b"}, "httpGet": {"host": ""}},
	"startupProbe": {"exec": {"command": ["true"]}},
	"lifecycle": {"postStart": {"tcpSocket": {"host": "c"}}, "preStop": {"httpGet": {"host": "d"}}},
}

test_handlers_that_call_another_host if {
	containers := [object.union({"name": "a", "image": "i"}, handlers)]
	denied("baseline", "v1.34", pod_of({"containers": containers}, {})) == {{
		"check": "hostProbesAndHostLifecycle",
		"msg": sprintf("host is %s; leave it out, and the pod's own address is called", [json.marshal(host)]),
		"path": sprintf("/spec/containers/0/%s/host", [pointer]),
	} |
		some host, pointer in {
			"a": "livenessProbe/httpGet",
			"b": "readinessProbe/tcpSocket",
			"c": "lifecycle/postStart/tcpSocket",
			"d": "lifecycle/preStop/httpGet",
		}
	}
	denied("baseline", "v1.33", pod_of({"containers": containers}, {})) == set()
}
