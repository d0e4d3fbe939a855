package usher.pod_security

# A directory of the node holds other tenants' files and the sockets of what runs the node. At the
# restricted level restrictedVolumes takes the place of this check.
_forbidden_volumes(profile) := _host_path_volumes if profile.level == "baseline"

_host_path_volumes contains _violation("hostPathVolumes", msg, path) if {
	some i, volume in input.pod.spec.volumes
	is_object(volume.hostPath)
	msg := sprintf("volume is %s of the node; use a volume of another type", [_shown(volume.hostPath, "path")])
	path := sprintf("/spec/volumes/%v/hostPath", [i])
}
