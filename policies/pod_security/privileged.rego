package usher.pod_security

# A privileged container has every capability and every device of the node.
_faults("privileged", value, _) := {"": {
	"check": "privileged",
	"msg": "privileged is true; leave it out or set it to false",
}} if {
	_true(value)
}
