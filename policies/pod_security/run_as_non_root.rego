package usher.pod_security

# Root in a container is root on the node for whatever breaks out of it.
_faults("runAsNonRoot", value, profile) := {"": {
	"check": "runAsNonRoot",
	"msg": sprintf("runAsNonRoot is %s; set it to true", [json.marshal(value)]),
}} if {
	value != true
	_non_root(profile)
}

# A container that says nothing follows its pod.
_missing("runAsNonRoot", profile) := {
	"check": "runAsNonRoot",
	"msg": "runAsNonRoot is not set; set it to true for the pod or here",
	"below": "",
} if {
	not _pod_sets("runAsNonRoot")
	_non_root(profile)
}

_non_root(profile) if {
	profile.level == "restricted"
	_host_users(profile)
}
