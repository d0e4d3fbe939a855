package usher.pod_security

# A host process runs on the Windows node itself.
_faults("windowsOptions", value, _) := {"/hostProcess": {
	"check": "windowsHostProcess",
	"msg": "hostProcess is true; leave it out or set it to false",
}} if {
	_true(value.hostProcess)
}
