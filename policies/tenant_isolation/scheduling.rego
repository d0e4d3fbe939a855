package usher.tenant_isolation

deny contains {"check": "scheduler-name", "msg": msg, "path": "/spec/schedulerName"} if {
	_tenant_scheduled
	not _scheduler in _allowed_schedulers
	not _kept_scheduler
	msg := sprintf("scheduler %s is not open to the tenant; use one of %s", [
		_quoted(_scheduler),
		concat(", ", sort(_allowed_schedulers)),
	])
}

deny contains {"check": "priority-class", "msg": msg, "path": "/spec/priorityClassName"} if {
	_tenant_scheduled
	class := input.pod.spec.priorityClassName
	not class in {"", null}
	not _allowed_priority_class(class)
	not _kept_priority_class
	msg := sprintf("priority class %s is not open to the tenant; %s", [_quoted(class), _priority_classes_described])
}

# The API server's Priority plugin runs before usher: it refuses a number that
# is not its class's and fills in 0 where there is no class. So a positive
# number without a class did not come from it, and on a template, which it does
# not read, any positive number is the user's.
deny contains {"check": "priority", "msg": msg, "path": "/spec/priority"} if {
	_tenant_scheduled
	priority := input.pod.spec.priority
	not priority == null
	not _harmless_priority(priority)
	not _kept_priority
	msg := sprintf("priority %s is set by hand; leave it out, the priority class decides it", [_quoted(priority)])
}

# A tenant's pod or template whose scheduling is the tenant's to ask for.
_tenant_scheduled if {
	is_string(input.pod.path)
	_has_tenant
	not _placed_by_trusted
}

default _scheduler := "default-scheduler"

_scheduler := input.pod.spec.schedulerName if not input.pod.spec.schedulerName in {"", null}

default _old_scheduler := "default-scheduler"

_old_scheduler := input.old_pod.spec.schedulerName if not input.old_pod.spec.schedulerName in {"", null}

_kept_scheduler if {
	_updates
	_scheduler == _old_scheduler
}

_allowed_schedulers contains name if some name in input.params.allowed_schedulers

_allowed_schedulers contains name if some name in input.tenant.spec.schedulerNames

_allowed_priority_class(class) if {
	is_string(class)
	not startswith(class, "system-")
	class in _allowed_priority_classes
}

_allowed_priority_classes contains name if some name in input.params.allowed_priority_classes

_allowed_priority_classes contains name if some name in input.tenant.spec.priorityClassNames

_priority_classes_described := "leave it out" if count(_allowed_priority_classes) == 0

_priority_classes_described := sprintf("leave it out, or use one of %s", [concat(", ", sort(_allowed_priority_classes))]) if {
	count(_allowed_priority_classes) > 0
}

_kept_priority_class if {
	_updates
	input.pod.spec.priorityClassName == input.old_pod.spec.priorityClassName
}

_harmless_priority(priority) if {
	is_number(priority)
	priority <= 0
}

_harmless_priority(priority) if {
	is_number(priority)
	not _is_template
	not input.pod.spec.priorityClassName in {"", null}
	is_string(input.pod.spec.priorityClassName)
}

_kept_priority if {
	_updates
	input.pod.spec.priority == input.old_pod.spec.priority
}
