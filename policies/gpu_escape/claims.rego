package usher.gpu_escape

import data.usher.lib.claims

deny contains {"check": "admin-access", "msg": msg, "path": sprintf("%s/adminAccess", [asked.path])} if {
	not claims.keeps_spec
	some asked in claims.devices
	_is_on(asked.device.adminAccess)
	_judged
	msg := "adminAccess reaches devices that others hold; leave it out"
}
