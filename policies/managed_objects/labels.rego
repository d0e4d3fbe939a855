package usher.managed_objects

import data.usher.lib.tenants

# Labels of what usher manages for a tenant.
_managed_by_label := "app.kubernetes.io/managed-by"

_tenant_label := "usher.dev/tenant"

_is_managed if _mark(_labels)

_was_managed if _mark(_old_labels)

_mark(labels) if {
	labels[_managed_by_label] == "usher"
	is_string(labels[_tenant_label])
}

default _labels := {}

_labels := input.request.object.metadata.labels if is_object(input.request.object.metadata.labels)

default _old_labels := {}

_old_labels := input.request.oldObject.metadata.labels if is_object(input.request.oldObject.metadata.labels)

_is_platform if tenants.requester_among(_platform)

_is_platform if tenants.requester_among(input.params.cluster_controllers)

default _platform := {}

_platform := input.params.platform

_platform_described := tenants.described(_platform)

# Where a collection is deleted, the request has no name for each of its objects.
default _quoted_name := "without a name"

_quoted_name := sprintf("%q", [input.request.oldObject.metadata.name])
