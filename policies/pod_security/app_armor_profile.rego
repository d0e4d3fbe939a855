package usher.pod_security

import data.usher.lib.pointers

# AppArmor confines containers by default; only the default or a profile of the node may take its place.
_faults("appArmorProfile", value, _) := {"/type": {
	"check": "appArmorProfile",
	"msg": sprintf(
		"AppArmor profile type is %s; leave the profile out or use RuntimeDefault or Localhost",
		[_shown(value, "type")],
	),
}} if {
	not _default_or_local(value)
}

# Before v1.30 profiles were annotations, one for each container; Kubernetes still heeds them.
_app_armor_annotations contains _violation("appArmorProfile", msg, path) if {
	some key, value in input.pod.metadata.annotations
	startswith(key, "container.apparmor.security.beta.kubernetes.io/")
	not value in {"", null, "runtime/default"}
	not _localhost(value)
	msg := sprintf(
		"AppArmor profile is %s; leave it out or use runtime/default or localhost/PROFILE",
		[json.marshal(value)],
	)
	path := sprintf("/metadata/annotations/%s", [pointers.escape(key)])
}
