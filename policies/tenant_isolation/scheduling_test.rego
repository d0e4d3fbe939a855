package usher.tenant_isolation_test

import data.usher.tenant_isolation

test_another_scheduler_is_refused if {
	tenant_isolation.deny == {{
		"check": "scheduler-name",
		"msg": `scheduler "custom-scheduler" is not open to the tenant; use one of default-scheduler, gpu-topology-scheduler`,
		"path": "/spec/schedulerName",
	}} with input as _hard({"schedulerName": "custom-scheduler"})
}

test_schedulers_that_are_open[note] if {
	some note, spec in {
		"unset": {},
		"null": {"schedulerName": null},
		"empty": {"schedulerName": ""},
		"the default": {"schedulerName": "default-scheduler"},
		"usher's": {"schedulerName": "gpu-topology-scheduler"},
	}
	tenant_isolation.deny == set() with input as _hard(spec)
}

test_tenant_has_schedulers_of_its_own if {
	tenant_isolation.deny == set() with input as _create({"schedulerNames": ["volcano"]}, {"schedulerName": "volcano"})
}

test_unset_scheduler_is_the_default_one if {
	tenant_isolation.deny == {{
		"check": "scheduler-name",
		"msg": `scheduler "default-scheduler" is not open to the tenant; use one of gpu-topology-scheduler`,
		"path": "/spec/schedulerName",
	}} with input as _hard({}) with input.params.allowed_schedulers as ["gpu-topology-scheduler"]
}

test_scheduler_of_another_type_is_refused[note] if {
	some note, name in {"list": ["default-scheduler"], "false": false, "number": 1}
	denied := tenant_isolation.deny with input as _hard({"schedulerName": name})
	_checks(denied) == {"scheduler-name"}
}

test_other_priority_class_is_refused if {
	tenant_isolation.deny == {{
		"check": "priority-class",
		"msg": `priority class "urgent" is not open to the tenant; leave it out`,
		"path": "/spec/priorityClassName",
	}} with input as _hard({"priorityClassName": "urgent"})
	tenant_isolation.deny == {{
		"check": "priority-class",
		"msg": `priority class "urgent" is not open to the tenant; leave it out, or use one of batch, training`,
		"path": "/spec/priorityClassName",
	}} with input as _create({"priorityClassNames": ["training"]}, {"priorityClassName": "urgent"})
		with input.params.allowed_priority_classes as ["batch"]
}

test_priority_classes_that_are_open[note] if {
	some note, spec in {
		"unset": {},
		"null": {"priorityClassName": null},
		"empty": {"priorityClassName": ""},
		"everybody's": {"priorityClassName": "batch"},
		"the tenant's own": {"priorityClassName": "training"},
	}
	tenant_isolation.deny == set() with input as _create({"priorityClassNames": ["training"]}, spec)
		with input.params.allowed_priority_classes as ["batch"]
}

test_system_priority_classes_are_refused_even_when_listed[note] if {
	some note in ["system-cluster-critical", "system-node-critical"]
	denied := tenant_isolation.deny with input as _create({"priorityClassNames": [note]}, {"priorityClassName": note})
		with input.params.allowed_priority_classes as [note]
	_checks(denied) == {"priority-class"}
}

test_priority_class_of_another_type_is_refused[note] if {
	some note, class in {"list": ["batch"], "false": false, "number": 1}
	denied := tenant_isolation.deny with input as _hard({"priorityClassName": class})
	_checks(denied) == {"priority-class"}
}

test_priority_by_hand_is_refused[note] if {
	some note, request in {
		"pod without a class": _hard({"priority": 10}),
		"pod with an empty class": _hard({"priority": 10, "priorityClassName": ""}),
		"template": _template(_hard_tenant, {"priority": 10}),
		"template with a class": _template(
			object.union(_hard_tenant, {"priorityClassNames": ["training"]}),
			{"priority": 10, "priorityClassName": "training"},
		),
	}
	tenant_isolation.deny == {{
		"check": "priority",
		"msg": "priority 10 is set by hand; leave it out, the priority class decides it",
		"path": "/spec/priority",
	}} with input as request
}

test_priorities_that_pass[note] if {
	some note, spec in {
		"filled in without a class": {"priority": 0},
		"null": {"priority": null},
		"negative": {"priority": -5},
		"filled in from the class": {"priority": 10, "priorityClassName": "training"},
	}
	tenant_isolation.deny == set() with input as _create({"priorityClassNames": ["training"]}, spec)
}

test_priority_of_another_type_is_refused[note] if {
	some note, priority in {"string": "0", "list": [], "true": true}
	denied := tenant_isolation.deny with input as _hard({"priority": priority})
	_checks(denied) == {"priority"}
}

_foreign := {"priority": 10, "priorityClassName": "urgent", "schedulerName": "custom-scheduler"}

test_namespaces_without_a_tenant_may_use_any if {
	tenant_isolation.deny == set() with input as _tenantless(_foreign)
}

test_updates_of_what_is_there_pass if {
	tenant_isolation.deny == set() with input as _update(_hard_tenant, _foreign, _foreign)
}

test_priority_from_before_usher_may_stay if {
	tenant_isolation.deny == set() with input as _update(_hard_tenant, {"priority": 10}, {"priority": 10})
}

test_updates_that_change_it_are_judged if {
	denied := tenant_isolation.deny with input as _update(_hard_tenant, {}, object.remove(_foreign, ["priority"]))
	_checks(denied) == {"priority-class", "scheduler-name"}
}
