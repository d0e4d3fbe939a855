package usher.pod_security

# User 0 is root, whatever runAsNonRoot says.
_faults("runAsUser", 0, profile) := {"": {
	"check": "runAsUser",
	"msg": "runAsUser is 0; leave it out or set it to the ID of another user",
}} if {
	profile.level == "restricted"
	profile.minor >= 23
	_host_users(profile)
}
