package usher.tenant_isolation

import data.usher.lib.tenants

# The subresources namespaces/status and namespaces/finalize carry a Namespace
# too, and the API server stores the labels that come with it.
_namespace_changed_by_outsider if {
	_of_core
	not input.request.operation == "DELETE"
	not _administers
}

_administers if tenants.requester_among(_admins)

default _admins := {}

_admins := input.params.namespace_admins

deny contains {"check": "tenant-label", "msg": msg, "path": path} if {
	input.request.kind.kind == "Namespace"
	_namespace_changed_by_outsider
	tenants.label in _changed_labels
	msg := _change_described("label", tenants.label, _old_labels, _labels)
	path := sprintf("/metadata/labels/%s", [_token(tenants.label)])
}

deny contains {"check": "policy-label", "msg": msg, "path": path} if {
	input.request.kind.kind == "Namespace"
	_namespace_changed_by_outsider
	some key in _changed_labels
	startswith(key, "policy.usher.dev/")
	msg := _change_described("label", key, _old_labels, _labels)
	path := sprintf("/metadata/labels/%s", [_token(key)])
}

deny contains {"check": "pod-security-label", "msg": msg, "path": path} if {
	input.request.kind.kind == "Namespace"
	_namespace_changed_by_outsider
	_of_tenant
	some key in _changed_labels
	startswith(key, "pod-security.kubernetes.io/")
	msg := _change_described("label", key, _old_labels, _labels)
	path := sprintf("/metadata/labels/%s", [_token(key)])
}

# What the plugins PodNodeSelector and PodTolerationRestriction read.
_scheduling_annotations := {
	"scheduler.alpha.kubernetes.io/defaultTolerations",
	"scheduler.alpha.kubernetes.io/node-selector",
	"scheduler.alpha.kubernetes.io/tolerationsWhitelist",
}

deny contains {"check": "scheduling-annotation", "msg": msg, "path": path} if {
	input.request.kind.kind == "Namespace"
	_namespace_changed_by_outsider
	_of_tenant
	some key in _scheduling_annotations
	_differs(key, _old_annotations, _annotations)
	msg := _change_described("annotation", key, _old_annotations, _annotations)
	path := sprintf("/metadata/annotations/%s", [_token(key)])
}

deny contains {"check": "tenant-label", "msg": "labels has to be an object", "path": "/metadata/labels"} if {
	input.request.kind.kind == "Namespace"
	_namespace_changed_by_outsider
	value := input.request.object.metadata.labels
	not _object_or_unset(value)
}

deny contains {"check": "scheduling-annotation", "msg": "annotations has to be an object", "path": "/metadata/annotations"} if {
	input.request.kind.kind == "Namespace"
	_namespace_changed_by_outsider
	value := input.request.object.metadata.annotations
	not _object_or_unset(value)
}

# A namespace that leaves a tenant, or joins one, is judged as the tenant's.
_of_tenant if _labels[tenants.label]

_of_tenant if _old_labels[tenants.label]

_changed_labels contains key if {
	some key in (object.keys(_labels) | object.keys(_old_labels))
	_differs(key, _old_labels, _labels)
}

_differs(key, before, after) if object.get(before, key, null) != object.get(after, key, null)

default _labels := {}

_labels := input.request.object.metadata.labels if is_object(input.request.object.metadata.labels)

default _old_labels := {}

_old_labels := input.request.oldObject.metadata.labels if is_object(input.request.oldObject.metadata.labels)

default _annotations := {}

_annotations := input.request.object.metadata.annotations if is_object(input.request.object.metadata.annotations)

default _old_annotations := {}

_old_annotations := input.request.oldObject.metadata.annotations if {
	is_object(input.request.oldObject.metadata.annotations)
}

_change_described(what, key, before, after) := msg if {
	msg := sprintf("%s may not change %s %s from %s to %s; ask the platform team (%s)", [
		tenants.requester,
		what,
		_quoted(key),
		_value_described(before, key),
		_value_described(after, key),
		tenants.described(_admins),
	])
}

_value_described(values, key) := "unset" if object.get(values, key, null) == null

else := _quoted(values[key])
