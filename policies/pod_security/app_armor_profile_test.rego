package usher.pod_security_test

test_app_armor_types if {
	every type in ["Unconfined", "", "localhost"] {
		profile := {"appArmorProfile": {"type": type}}
		msg := sprintf("AppArmor profile type is %s; leave the profile out or use RuntimeDefault or Localhost", [
			json.marshal(type),
		])
		containers := in_each_list("appArmorProfile", msg, "securityContext/appArmorProfile/type")
		pod := {{"check": "appArmorProfile", "msg": msg, "path": "/spec/securityContext/appArmorProfile/type"}}
		denied("baseline", "v1.0", pod_of({"securityContext": profile}, profile)) == containers | pod
	}
}

test_app_armor_types_that_confine if {
	every type in ["RuntimeDefault", "Localhost"] {
		profile := {"appArmorProfile": {"type": type}}
		denied("baseline", "latest", pod_of({"securityContext": profile}, profile)) == set()
	}
}

test_app_armor_without_a_type if {
	msg := "AppArmor profile type is not set; leave the profile out or use RuntimeDefault or Localhost"
	denied("baseline", "latest", pod_of({"securityContext": {"appArmorProfile": {}}}, {})) == {{
		"check": "appArmorProfile",
		"msg": msg,
		"path": "/spec/securityContext/appArmorProfile/type",
	}}
}

test_app_armor_annotations if {
	prefix := "container.apparmor.security.beta.kubernetes.io/"
	annotations := {
		concat("", [prefix, "a"]): "unconfined",
		concat("", [prefix, "b"]): "runtime/default",
		concat("", [prefix, "c"]): "localhost/p",
		concat("", [prefix, "d"]): "",
		"container.apparmor.security.beta.kubernetes.io": "unconfined",
	}
	pod := object.union(pod_of({}, {}), {"metadata": {"annotations": annotations}})
	denied("baseline", "latest", pod) == {{
		"check": "appArmorProfile",
		"msg": `AppArmor profile is "unconfined"; leave it out or use runtime/default or localhost/PROFILE`,
		"path": "/metadata/annotations/container.apparmor.security.beta.kubernetes.io~1a",
	}}
}
