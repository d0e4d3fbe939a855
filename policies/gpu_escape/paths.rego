package usher.gpu_escape

import data.usher.lib.pods

deny contains {"check": "host-path", "msg": msg, "path": pointer} if {
	some i, volume in input.pod.spec.volumes
	path := volume.hostPath.path
	reached := [forbidden |
		is_string(path)
		some forbidden in input.params.forbidden_paths
		_meet(_names(path), _names(forbidden))
	]
	count(reached) > 0
	_judged
	msg := sprintf(
		"host path %s reaches %s%s; use a volume that is not the node's, or a path that is neither above nor below it",
		[path, concat(", ", array.slice(reached, 0, 3)), _more(count(reached) - 3)],
	)
	pointer := sprintf("/spec/volumes/%v/hostPath/path", [i])
}

_more(n) := sprintf(" and %d more", [n]) if {
	n > 0
} else := ""

deny contains {"check": "host-path", "msg": msg, "path": pointer} if {
	some i, volume in input.pod.spec.volumes
	_ = volume.hostPath
	path := _path(volume.hostPath)
	not _is_plain(path)
	_judged
	msg := sprintf("host path %v does not say plainly where it leads; write an absolute path without ..", [path])
	pointer := sprintf("/spec/volumes/%v/hostPath/path", [i])
}

_path(source) := source.path if {
	source.path != null
} else := null

# The NVIDIA runtime takes a mount below this folder for a request of the device
# that it is named after.
deny contains {"check": "device-mount", "msg": msg, "path": pointer} if {
	some list in pods.container_lists
	some i, container in input.pod.spec[list]
	some j, mount in container.volumeMounts
	is_string(mount.mountPath)
	_meet(_names(mount.mountPath), ["run", "nvidia-container-devices"])
	count(_names(mount.mountPath)) > 1
	_judged
	msg := sprintf("mount path %s asks the NVIDIA runtime for a device; mount it elsewhere", [mount.mountPath])
	pointer := sprintf("/spec/%s/%v/volumeMounts/%v/mountPath", [list, i, j])
}

# The names along a path. /var/run is a link to /run on every system that
# Kubernetes runs on.
_names(path) := array.slice(names, 1, count(names)) if {
	names := _all_names(path)
	array.slice(names, 0, 2) == ["var", "run"]
} else := _all_names(path)

_all_names(path) := [name |
	some name in split(path, "/")
	not name in {"", "."}
]

# One path is the other, holds it or lies below it.
_meet(names, forbidden) if {
	common := min([count(names), count(forbidden)])
	differing := [i | some i, name in names; i < common; not _is(name, forbidden[i])]
	count(differing) == 0
}

_is(name, pattern) if name == pattern

_is(name, pattern) if {
	endswith(pattern, "*")
	startswith(name, trim_suffix(pattern, "*"))
}

_is_plain(path) if {
	is_string(path)
	startswith(path, "/")
	not ".." in split(path, "/")
}
