package usher.pod_security

# The masks over /proc hide what a container could use against the kernel.
_faults("procMount", value, profile) := {"": {
	"check": check,
	"msg": sprintf("procMount is %s; leave it out or set it to Default", [json.marshal(value)]),
}} if {
	value != "Default"
	check := _proc_mount_check(profile)
}

# From v1.35 on baseline lets a pod in a user namespace lift the masks, and restricted has a check of
# its own that does not.
_proc_mount_check(profile) := "procMount_restricted" if {
	profile.level == "restricted"
	profile.minor >= 35
} else := "procMount" if {
	_host_users(profile)
}
