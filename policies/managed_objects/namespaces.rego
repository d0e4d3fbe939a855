package usher.managed_objects

import data.usher.lib.pointers
import data.usher.lib.tenants

# With a namespace goes all that bounds the tenant there, and all that is in it.
deny contains {"check": "namespace-deletion", "msg": msg} if {
	input.request.kind.kind == "Namespace"
	input.request.operation == "DELETE"
	not _is_platform
	not _old_metadata.deletionTimestamp
	tenant := _tenant_of_namespace
	msg := sprintf(
		"%s may not delete namespace %s of tenant %q; delete what is in it, or ask the platform team (%s)",
		[tenants.requester, _quoted_name, tenant, _platform_described],
	)
}

# The garbage collector deletes what has an owner that does not exist.
deny contains {"check": "namespace-owner", "msg": msg, "path": "/metadata/ownerReferences"} if {
	input.request.kind.kind == "Namespace"
	input.request.operation == "UPDATE"
	not _is_platform
	tenant := _tenant_of_namespace
	_differs(_old_metadata, _metadata, "ownerReferences")
	msg := sprintf(
		"%s may not change the owners of namespace %s of tenant %q, with which it would be deleted; ask the platform team (%s)",
		[tenants.requester, _quoted_name, tenant, _platform_described],
	)
}

deny contains {"check": "namespace-label", "msg": msg, "path": sprintf("/metadata/labels/%s", [pointers.escape(key)])} if {
	input.request.kind.kind == "Namespace"
	input.request.operation in {"CREATE", "UPDATE"}
	not _is_platform
	some key in _changed_marks
	msg := sprintf(
		"%s may not set or remove label %q, by which usher knows what it made; leave it as it is, or ask the platform team (%s)",
		[tenants.requester, key, _platform_described],
	)
}

_changed_marks contains key if {
	some key in [_tenant_label, "usher.dev/made"]
	_differs(_old_labels, _labels, key)
}

# Other programs set it too, to their own names.
_changed_marks contains _managed_by_label if {
	_differs(_old_labels, _labels, _managed_by_label)
	some labels in [_old_labels, _labels]
	labels[_managed_by_label] == "usher"
}

_tenant_of_namespace := tenant if {
	tenant := _old_metadata.labels[tenants.label]
	tenant != ""
} else := _old_metadata.labels[_tenant_label] if {
	_was_managed
}
