package usher.managed_objects

import data.usher.lib.pointers

# Where an update changes a managed object, other than in which of its finalizers
# are left.
_changes := _changed_paths if count(_changed_paths) > 0

# Who applies a field as it is comes to own it too, and when the platform leaves it
# out later, it stays (server-side apply).
_changes := {"/metadata/managedFields"} if {
	count(_changed_paths) == 0
	_is_owned_anew
}

_changed_paths contains sprintf("/metadata/%s", [field]) if {
	_updates_what_stays
	some field in ["annotations", "ownerReferences"]
	_differs(_old_metadata, _metadata, field)
}

_changed_paths contains sprintf("/metadata/labels/%s", [pointers.escape(key)]) if {
	_updates_what_stays
	some key in (object.keys(_old_labels) | object.keys(_labels))
	_differs(_old_labels, _labels, key)
}

# A finalizer would keep the object when the platform deletes it.
_changed_paths contains sprintf("/metadata/finalizers/%d", [i]) if {
	_updates_what_stays
	some i, finalizer in _metadata.finalizers
	not finalizer in object.get(_old_metadata, "finalizers", [])
}

_is_owned_anew if {
	_updates_what_stays
	not _differs(_old_metadata, _metadata, "finalizers")
	known := {_timeless(entry) | some entry in _old_metadata.managedFields}
	some entry in _metadata.managedFields
	not _timeless(entry) in known
}

_changed_paths contains sprintf("/%s%s", [pointers.escape(field), part]) if {
	input.request.operation == "UPDATE"
	some field in ((object.keys(input.request.oldObject) | object.keys(input.request.object)) - {"metadata"})
	_differs(input.request.oldObject, input.request.object, field)
	some part in _changed_parts(
		object.get(input.request.oldObject, field, null),
		object.get(input.request.object, field, null),
	)
}

# The fields of an object that differ; of anything else the whole.
_changed_parts(before, after) := {part |
	some key in (object.keys(before) | object.keys(after))
	_differs(before, after, key)
	part := sprintf("/%s", [pointers.escape(key)])
} if {
	is_object(before)
	is_object(after)
} else := {""}

# Of an object that is being deleted, metadata may change.
_updates_what_stays if {
	input.request.operation == "UPDATE"
	not _old_metadata.deletionTimestamp
}

_differs(before, after, key) if object.get(before, key, null) != object.get(after, key, null)

default _metadata := {}

_metadata := input.request.object.metadata if is_object(input.request.object.metadata)

default _old_metadata := {}

_old_metadata := input.request.oldObject.metadata if is_object(input.request.oldObject.metadata)

_timeless(entry) := object.remove(entry, ["time"]) if {
	is_object(entry)
} else := entry
