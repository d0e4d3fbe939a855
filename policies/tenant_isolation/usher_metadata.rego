package usher.tenant_isolation

deny contains {"check": "usher-metadata", "msg": msg, "path": path} if {
	some [field, key], value in _usher_metadata
	not _stamped(field, key)
	not _kept_metadata(field, key, value)
	not _admin_updates_pod
	msg := sprintf("%s is written by usher alone; leave it out", [_quoted(key)])
	path := sprintf("/metadata/%s/%s", [field, _token(key)])
}

deny contains {"check": "usher-metadata", "msg": msg, "path": path} if {
	_updates
	some [field, key], value in _old_usher_metadata
	not _admin_updates_pod
	not [field, key] in object.keys(_usher_metadata)
	msg := sprintf("%s is written by usher and may not be removed; keep it", [_pair(key, value)])
	path := sprintf("/metadata/%s/%s", [field, _token(key)])
}

# What usher writes and later believes. usher.dev/gpu-topology is not among it:
# with it a user asks for links between GPUs.
_usher_metadata[["annotations", key]] := value if {
	some key, value in input.pod.metadata.annotations
	startswith(key, "usher.dev/")
	key != "usher.dev/gpu-topology"
}

_usher_metadata[["labels", key]] := value if {
	some key, value in input.pod.metadata.labels
	startswith(key, "usher.dev/")
}

_old_usher_metadata[["annotations", key]] := value if {
	some key, value in input.old_pod.metadata.annotations
	startswith(key, "usher.dev/")
	key != "usher.dev/gpu-topology"
}

_old_usher_metadata[["labels", key]] := value if {
	some key, value in input.old_pod.metadata.labels
	startswith(key, "usher.dev/")
}

# The reservation's ID, which the mutating side writes over whatever a new pod of a
# tenant brings.
_stamped("labels", "usher.dev/reservation") if {
	input.tenant
	not _is_template
	not _updates
}

_kept_metadata(field, key, value) if {
	_updates
	_old_usher_metadata[[field, key]] == value
}

_admin_updates_pod if {
	_updates
	_administers
}
