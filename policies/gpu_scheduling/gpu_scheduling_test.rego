package usher.gpu_scheduling_test

import data.usher.gpu_scheduling

_params := {"minimum_gpus": 2, "route": true, "scheduler": "gpu-topology-scheduler"}

_create(pod) := {
	"params": _params,
	"pod": object.union({"metadata": {}, "path": "", "spec": {}}, pod),
	"request": {"kind": {"group": "", "kind": "Pod"}, "operation": "CREATE"},
}

_template(pod) := _create(object.union({"path": "/spec/template"}, pod))

_update(old, new) := object.union(_create(new), {
	"old_pod": object.union({"metadata": {}, "path": "", "spec": {}}, old),
	"request": {"operation": "UPDATE"},
})

_gpus(number) := {"resources": {"limits": {"nvidia.com/gpu": number}}}

_containers(containers) := {"spec": {"containers": containers}}

_annotated(topology) := {"metadata": {"annotations": {"usher.dev/gpu-topology": topology}}}

_nccl(value) := {"env": [{"name": "A"}, {"name": "NCCL_TOPOLOGY", "value": value}]}

_scheduled_by(name) := {"spec": {"schedulerName": name}}

_patch(request) := {operation | some operation in gpu_scheduling.patch with input as request}

_denied(request) := {[v.check, v.path] | some v in gpu_scheduling.deny with input as request}

_warned(request) := {[v.check, v.path] | some v in gpu_scheduling.warn with input as request}

_routed := {{"op": "add", "path": "/spec/schedulerName", "value": "gpu-topology-scheduler"}}

_pointer := "/metadata/annotations/usher.dev~1gpu-topology"

_stamp := {{"op": "add", "path": "/metadata/annotations", "value": {"usher.dev/gpu-topology": "nvlink"}}}

test_pods_whose_links_matter_are_routed[note] if {
	some note, pod in {
		"two GPUs": _containers([_gpus(2)]),
		"two GPUs as a text": _containers([_gpus("2")]),
		"two GPUs by requests": _containers([{"resources": {"requests": {"nvidia.com/gpu": 2}}}]),
		"two containers": _containers([_gpus(1), {}, _gpus(1)]),
		"an init container": {"spec": {"containers": [_gpus(1)], "initContainers": [_gpus(2)]}},
		"a sidecar": {"spec": {
			"containers": [_gpus(1)],
			"initContainers": [object.union(_gpus(1), {"restartPolicy": "Always"})],
		}},
		"annotation": _annotated("best-effort"),
		"requirement": _annotated("numa"),
		"environment": _containers([_nccl("TREE")]),
		"environment from elsewhere": _containers([{"env": [{"name": "NCCL_TOPOLOGY", "valueFrom": {}}]}]),
		"default scheduler": object.union_n([_containers([_gpus(2)]), _scheduled_by("default-scheduler")]),
		"empty scheduler": object.union_n([_containers([_gpus(2)]), _scheduled_by("")]),
		"null scheduler": object.union_n([_containers([_gpus(2)]), _scheduled_by(null)]),
		"null node": object.union_n([_containers([_gpus(2)]), {"spec": {"nodeName": null}}]),
	}
	_patch(_create(pod)) == _routed
	_patch(_template(pod)) == _routed
}

test_pods_that_stay_where_they_are[note] if {
	some note, pod in {
		"no GPU": _containers([{}]),
		"one GPU": _containers([_gpus(1)]),
		"one GPU after the other": {"spec": {"containers": [_gpus(1)], "initContainers": [_gpus(1), _gpus(1)]}},
		"parts of a GPU": _containers([{"resources": {"limits": {"nvidia.com/mig-3g.20gb": 2, "nvidia.com/gpu.shared": 2}}}]),
		"other variables": _containers([{"env": [{"name": "NCCL_TOPO_FILE", "value": "/etc/topo.xml"}]}]),
		"a scheduler of its own": object.union_n([_containers([_gpus(8)]), _scheduled_by("volcano")]),
		"routed already": object.union_n([_containers([_gpus(8)]), _scheduled_by("gpu-topology-scheduler")]),
		"a node of its own": object.union_n([_containers([_gpus(8)]), {"spec": {"nodeName": "n1"}}]),
		"debug containers": {"spec": {"ephemeralContainers": [object.union(_gpus(8), _nccl("TREE"))]}},
	}
	_patch(_create(pod)) == set()
	_patch(_template(pod)) == set()
}

test_routing_has_parameters if {
	two := _create(_containers([_gpus(2)]))
	_patch(object.union(two, {"params": {"route": false}})) == set()
	_patch(object.union(two, {"params": {"route": "yes"}})) == set()
	_patch(object.union(two, {"params": {"minimum_gpus": 3}})) == set()
	_patch(object.union(_create(_containers([_gpus(1)])), {"params": {"minimum_gpus": 1}})) == _routed
	_patch(object.union(two, {"params": {"scheduler": "mine"}})) == {object.union(
		{"op": "add", "path": "/spec/schedulerName"},
		{"value": "mine"},
	)}
}

test_pods_that_exist_are_not_amended if {
	pod := _containers([object.union(_gpus(4), _nccl("NVLINK"))])
	_patch(_update(pod, pod)) == set()
}

test_nccl_topology_becomes_the_annotation if {
	pod := _containers([object.union(_gpus(4), _nccl("NVLINK"))])
	_patch(_create(pod)) == _routed | _stamp
	_patch(_template(pod)) == _routed | _stamp
	_patch(_create(object.union_n([pod, {"metadata": {"annotations": null}}]))) == _routed | _stamp
	_patch(_create(object.union_n([pod, {"metadata": {"annotations": {"a": "b"}}}]))) == _routed | {{
		"op": "add",
		"path": _pointer,
		"value": "nvlink",
	}}
	every without in [
		object.remove(_create(pod).pod, ["metadata"]),
		object.union(_create(pod).pod, {"metadata": null}),
	] {
		request := object.union(object.remove(_create(pod), ["pod"]), {"pod": without})
		_patch(request) == _routed | {{"op": "add", "path": "/metadata", "value": {"annotations": {"usher.dev/gpu-topology": "nvlink"}}}}
	}
}

test_annotation_stands_over_the_variable[note] if {
	some note, topology in {"weaker": "best-effort", "other": "numa", "same": "nvlink", "unknown": "x"}
	pod := object.union_n([_annotated(topology), _containers([object.union(_gpus(4), _nccl("NVLINK"))])])
	_patch(_create(pod)) == _routed
}

test_other_values_of_the_variable_require_nothing[note] if {
	some note, value in {"other": "TREE", "case": "nvlink", "empty": "", "type": 1}
	pod := _containers([object.union(_gpus(4), _nccl(value))])
	_patch(_create(pod)) == _routed
	_denied(_create(pod)) == set()
}

test_unknown_topologies_are_refused[note] if {
	some note, topology in {"typo": "nvlnk", "case": "NVLINK", "empty": "", "number": 1, "false": false, "list": ["nvlink"]}
	pod := object.union_n([_annotated(topology), _containers([_gpus(4)])])
	_denied(_create(pod)) == {["topology", _pointer]}
	_denied(_template(pod)) == {["topology", _pointer]}
}

test_requirements_need_a_scheduler_that_knows[note] if {
	four := _containers([_gpus(4)])
	some note, pod in {
		"default": object.union_n([four, _annotated("nvlink")]),
		"other": object.union_n([four, _annotated("numa"), _scheduled_by("volcano")]),
		"odd": object.union_n([four, _annotated("numa"), _scheduled_by(7)]),
		"variable": object.union_n([_containers([object.union(_gpus(4), _nccl("NVLINK"))]), _scheduled_by("volcano")]),
		"one GPU": object.union_n([_containers([_gpus(1)]), _annotated("nvlink")]),
	}
	_denied(_create(pod)) == {["scheduler", "/spec/schedulerName"]}
	_denied(_template(pod)) == {["scheduler", "/spec/schedulerName"]}
}

test_wishes_and_requirements_that_can_be_met[note] if {
	four := _containers([_gpus(4)])
	some note, pod in {
		"nothing asked": four,
		"best effort elsewhere": object.union_n([four, _annotated("best-effort"), _scheduled_by("volcano")]),
		"nvlink": object.union_n([four, _annotated("nvlink"), _scheduled_by("gpu-topology-scheduler")]),
		"numa": object.union_n([four, _annotated("numa"), _scheduled_by("gpu-topology-scheduler")]),
		"no scheduler": object.union_n([four, _annotated("nvlink"), {"spec": {"nodeName": "n1"}}]),
	}
	_denied(_create(pod)) == set()
	_warned(_create(pod)) == set()
}

test_requirements_without_gpus_are_warned_of[note] if {
	some note, pod in {
		"none": object.union_n([_annotated("nvlink"), _containers([{}])]),
		"variable": _containers([_nccl("NVLINK")]),
		"zero": object.union_n([_annotated("numa"), _containers([_gpus("0")])]),
		"parts": object.union_n([_annotated("numa"), _containers([{"resources": {"limits": {"nvidia.com/mig-1g.10gb": 1}}}])]),
		"odd amount": object.union_n([_annotated("numa"), _containers([_gpus("many"), "x", {"resources": 1}])]),
		"odd list": object.union_n([_annotated("numa"), {"spec": {"containers": "x", "initContainers": 7}}]),
	}
	_warned(_create(pod)) == {["gpus", _pointer]}
	_denied(_create(pod)) == set()
	_warned(_update(pod, pod)) == set()
}

test_wishes_without_gpus_are_not if {
	_warned(_create(_annotated("best-effort"))) == set()
}

test_topology_of_a_pod_stays[note] if {
	some note, pair in {
		"another": [_annotated("nvlink"), _annotated("numa")],
		"unknown": [_annotated("nvlink"), _annotated("x")],
		"removed": [_annotated("nvlink"), {}],
		"set": [{}, _annotated("best-effort")],
	}
	_denied(_update(pair[0], pair[1])) == {["immutable", _pointer]}
	_denied(object.union(_update(pair[0], pair[1]), {"pod": {"path": "/spec/template"}})) == _denied(_template(pair[1]))
}

test_updates_that_leave_it_pass[note] if {
	some note, pod in {
		"right": _annotated("numa"),
		"none": {},
		"unknown before": _annotated("x"),
		"of a scheduler that does not know": object.union_n([_annotated("numa"), _containers([_gpus(4)]), _scheduled_by("volcano")]),
	}
	_denied(_update(pod, object.union(pod, {"metadata": {"labels": {"a": "b"}}}))) == set()
}

_message(request) := msg if {
	[msg] := [v.msg | some v in (gpu_scheduling.deny | gpu_scheduling.warn) with input as request]
}

test_messages_say_what_would_pass if {
	four := _containers([_gpus(4)])
	_message(_create(_annotated("nvlnk"))) == `GPU topology "nvlnk" is not known; write nvlink, numa or best-effort`
	_message(_create(object.union_n([four, _annotated("numa"), _scheduled_by("volcano")]))) == concat("", [
		`GPU topology numa is required, and scheduler "volcano" does not know how GPUs are linked; `,
		"use gpu-topology-scheduler, or ask for best-effort",
	])
	_message(_create(_annotated("numa"))) == concat("", [
		"GPU topology numa is required, but no container asks for whole GPUs; ",
		"set a limit of nvidia.com/gpu, or leave the requirement out",
	])
	_message(_update(_annotated("numa"), {})) == concat("", [
		`the GPU topology of a pod that exists cannot change from "numa" to none; `,
		"keep it, or make another pod",
	])
}

_applies(request) if gpu_scheduling.applies with input as request

test_policy_applies_where_something_is_asked if {
	every request in [
		_create(_annotated("x")),
		_update({}, _annotated("nvlink")),
		_update(_annotated("nvlink"), {}),
		_create(_containers([_nccl("NVLINK")])),
		_template({"spec": {"initContainers": [_nccl("NVLINK")]}}),
	] {
		_applies(request)
	}
	every request in [_create({}), _update({}, {}), _create(_containers([_gpus(8)]))] {
		not _applies(request)
	}
}
