package usher.managed_objects

import data.usher.lib.tenants

deny contains {"check": "role-binding", "msg": msg, "path": sprintf("/subjects/%d", [i])} if {
	input.request.kind.kind == "RoleBinding"
	_writes_unmanaged
	tenants.name
	not input.params.tenant_role_bindings == "anybody"
	some i, subject in input.request.object.subjects
	not _bound_before(subject)
	not _may_be_bound(subject)
	msg := sprintf(
		"%s may not bind %s: a namespace of tenant %q is open to the tenant's owners and to service accounts of its namespaces; ask the platform team (%s) to name it in the Tenant's spec.owners",
		[tenants.requester, _subject_described(subject), tenants.name, _platform_described],
	)
}

_bound_before(subject) if subject in input.request.oldObject.subjects

_may_be_bound(subject) if {
	some owner in input.tenant.spec.owners
	owner.kind == subject.kind
	owner.name == subject.name
	object.get(owner, "namespace", "") == object.get(subject, "namespace", "")
}

_may_be_bound(subject) if {
	subject.kind == "ServiceAccount"
	subject.namespace in _namespaces_of_tenant
}

# The same, as authentication names them.
_may_be_bound(subject) if {
	subject.kind == "User"
	is_string(subject.name)
	["system", "serviceaccount", namespace, _] = split(subject.name, ":")
	namespace in _namespaces_of_tenant
}

_may_be_bound(subject) if {
	subject.kind == "Group"
	is_string(subject.name)
	["system", "serviceaccounts", namespace] = split(subject.name, ":")
	namespace in _namespaces_of_tenant
}

_may_be_bound(subject) if {
	subject.kind == "User"
	subject.name in input.params.bindable.users
}

_may_be_bound(subject) if {
	subject.kind == "Group"
	subject.name in input.params.bindable.groups
}

_may_be_bound(subject) if {
	subject.kind == "ServiceAccount"
	sprintf("system:serviceaccount:%s:%s", [subject.namespace, subject.name]) in input.params.bindable.users
}

_namespaces_of_tenant contains input.request.namespace

_namespaces_of_tenant contains namespace if some namespace in input.tenant.spec.namespaces

_namespaces_of_tenant contains namespace.name if some namespace in input.tenant.status.namespaces

_subject_described(subject) := sprintf("service account %q of namespace %q", [subject.name, subject.namespace]) if {
	subject.kind == "ServiceAccount"
} else := sprintf("%s %q", [lower(subject.kind), subject.name]) if {
	is_string(subject.kind)
} else := "somebody without kind and name"
