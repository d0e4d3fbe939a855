package usher.gpu_escape_test

import data.usher.gpu_escape

_params := {
	"scope": "tenants",
	"hide_gpus": true,
	"forbidden_paths": ["/dev/nvidia*", "/dev/dri", "/run/cdi", "/var/lib/kubelet"],
	"gpu_runtime_classes": ["nvidia"],
	"gpu_resources": ["nvidia.com/*"],
	"env_from": "audit",
	"device_annotations": ["cdi.k8s.io/*", "*.cdi.k8s.io/*", "io.kubernetes.cri-o.Devices*"],
	"forbidden_capabilities": ["ALL", "SYS_ADMIN"],
}

_input(spec) := {
	"request": {"kind": {"group": "", "kind": "Pod"}, "operation": "CREATE"},
	"params": _params,
	"tenant": {"metadata": {"name": "a"}},
	"pod": {"path": "", "spec": spec},
}

_checks(spec) := {[v.check, v.path] | some v in gpu_escape.deny with input as _input(spec)}

_volume(path) := {"volumes": [{"hostPath": {"path": path}}]}

_reaches(path) if _checks(_volume(path)) == {["host-path", "/spec/volumes/0/hostPath/path"]}

test_paths_that_reach_devices if {
	every path in [
		"/", "//", "/.", "/dev", "/dev/", "/dev/nvidia0", "/dev/nvidia-caps/nvidia-cap1", "/dev/dri/card0", "/dev/./dri",
		"/var/run/cdi", "/run/cdi/nvidia.yaml", "/var", "/var/lib", "/var/lib/kubelet/pods", "..", "/a/../dev", "", "dev",
	] {
		_reaches(path)
	}
}

test_paths_that_do_not if {
	every path in ["/srv", "/dev/shm", "/devices", "/dev/nvram", "/var/log", "/run/app", "/home/dev/nvidia0", "/var/lib/kubelet2"] {
		_checks(_volume(path)) == set()
	}
}

test_odd_types_deny if {
	every path in [1, null, true, {}, []] {
		_reaches(path)
	}
	every source in [7, [], "x", {}] {
		_checks({"volumes": [{"hostPath": source}]}) == {["host-path", "/spec/volumes/0/hostPath/path"]}
	}
	every pair in [
		[{"volumes": "x"}, "/spec/volumes"],
		[{"containers": {"a": {}}}, "/spec/containers"],
		[{"containers": [null]}, "/spec/containers/0"],
		[{"containers": [{"env": "x"}]}, "/spec/containers/0/env"],
		[{"initContainers": [{"envFrom": {"a": 1}}]}, "/spec/initContainers/0/envFrom"],
		[{"ephemeralContainers": [{"volumeMounts": 1}]}, "/spec/ephemeralContainers/0/volumeMounts"],
		["x", "/spec"],
	] {
		_checks(pair[0]) == {["shape", pair[1]]}
	}
	_checks({"containers": [{"securityContext": {"capabilities": {"add": [7]}}}]}) == {["capability", "/spec/containers/0/securityContext/capabilities/add/0"]}
}

test_odd_types_that_hold_nothing if {
	every spec in [
		{"volumes": [1, null], "containers": [{"env": null, "volumeMounts": [1], "resources": 3}], "hostIPC": null},
		{"containers": [{"env": [1, {"name": 1}], "securityContext": 1, "volumeMounts": [{"mountPath": 1}]}]},
	] {
		_checks(spec) == set()
	}
}

test_switches_that_are_on if {
	_checks({"hostIPC": "yes", "containers": [{"securityContext": {"privileged": "true"}}]}) == {
		["host-ipc", "/spec/hostIPC"],
		["privileged", "/spec/containers/0/securityContext/privileged"],
	}
	_checks({"containers": [{"env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": 0}]}]}) == {["visible-devices", "/spec/containers/0/env/0"]}
}

test_values_that_ask_for_no_gpu if {
	every variable in [{"value": ""}, {"value": "void"}, {"value": "none"}, {}] {
		env := [object.union(variable, {"name": "NVIDIA_VISIBLE_DEVICES"})]
		_checks({"containers": [{"env": env}]}) == set()
	}
	every variable in [{"value": "all"}, {"value": "0"}, {"value": "GPU-1"}, {"valueFrom": {}}, {"value": "void", "valueFrom": {"fieldRef": {}}}] {
		env := [object.union(variable, {"name": "NVIDIA_VISIBLE_DEVICES"})]
		_checks({"containers": [{"env": env}]}) == {["visible-devices", "/spec/containers/0/env/0"]}
	}
}

test_mounts_that_ask_for_devices if {
	every path in ["/var/run/nvidia-container-devices/all", "/run//nvidia-container-devices", "/var/run/nvidia-container-devices/../nvidia-container-devices/0"] {
		_checks({"containers": [{"volumeMounts": [{"mountPath": path}]}]}) == {["device-mount", "/spec/containers/0/volumeMounts/0/mountPath"]}
	}
	_checks({"containers": [{"volumeMounts": [{"mountPath": "/run"}, {"mountPath": "/var/run/app"}]}]}) == set()
}

test_nobody_is_judged_outside_tenants if {
	spec := {"hostIPC": true, "containers": [{"securityContext": {"privileged": true}}]}
	without := object.remove(_input(spec), ["tenant"])
	count(gpu_escape.deny) == 0 with input as without
	count(gpu_escape.patch) == 0 with input as without
	everybody := object.union(without, {"params": {"scope": "all"}})
	count(gpu_escape.deny) == 2 with input as everybody
	unknown := object.union(without, {"params": {"scope": "tenant"}})
	count(gpu_escape.deny) == 2 with input as unknown
}

test_hiding_twice_is_hiding_once if {
	spec := {"containers": [{"name": "a", "env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}]}]}
	gpu_escape.patch == set() with input as _input(spec)
}

test_hiding_can_be_turned_off if {
	off := object.union(_input({"containers": [{"name": "a"}]}), {"params": {"hide_gpus": false}})
	gpu_escape.patch == set() with input as off
}

test_claims_of_other_groups_are_not_claims if {
	request := {"kind": {"group": "example.com", "kind": "ResourceClaim"}, "object": {"spec": {"devices": {"requests": [{"adminAccess": true}]}}}}
	gpu_escape.deny == set() with input as {"request": request, "params": _params, "tenant": {"metadata": {"name": "a"}}}
	real := object.union(request, {"kind": {"group": "resource.k8s.io"}})
	count(gpu_escape.deny) == 1 with input as {"request": real, "params": _params, "tenant": {"metadata": {"name": "a"}}}
}

test_variables_with_a_value_in_their_name if {
	_checks({"containers": [{"env": [{"name": "NVIDIA_VISIBLE_DEVICES=all,", "value": "x"}]}]}) == {["visible-devices", "/spec/containers/0/env/0"]}
}

test_legacy_cuda if {
	legacy := {"name": "CUDA_VERSION", "value": "9.0"}
	_checks({"containers": [{"env": [legacy]}]}) == {["legacy-cuda", "/spec/containers/0/env/0"]}
	every other in ["NVIDIA_REQUIRE_CUDA", "NVIDIA_VISIBLE_DEVICES"] {
		_checks({"containers": [{"env": [legacy, {"name": other}]}]}) == set()
	}
	_checks({"containers": [{"env": [legacy], "resources": {"limits": {"nvidia.com/gpu": 1}}}]}) == set()
}

_with_env_from(word) := object.union(
	_input({"containers": [
		{"envFrom": [{"configMapRef": {"name": "a"}}]},
		{"envFrom": [{"secretRef": {"name": "a"}}], "env": [{"name": "NVIDIA_VISIBLE_DEVICES", "value": "void"}]},
		{"envFrom": []},
	]}),
	{"params": {"env_from": word}},
)

test_env_from if {
	found := {["env-from", "/spec/containers/0/envFrom"]}
	{[v.check, v.path] | some v in gpu_escape.audit} == found with input as _with_env_from("audit")
	{[v.check, v.path] | some v in gpu_escape.warn} == found with input as _with_env_from("warn")
	{[v.check, v.path] | some v in gpu_escape.deny} == found with input as _with_env_from("deny")
	{[v.check, v.path] | some v in gpu_escape.deny} == found with input as _with_env_from("alow")
	every word in ["audit", "warn", "allow"] { count(gpu_escape.deny) == 0 with input as _with_env_from(word) }
	count(gpu_escape.audit) == 0 with input as _with_env_from("allow")
	count(gpu_escape.warn) == 0 with input as _with_env_from("allow")
}

_annotated(key) := object.union(_input({}), {"pod": {"metadata": {"annotations": {key: "nvidia.com/gpu=all"}}}})

test_annotations if {
	every key in ["cdi.k8s.io/gpu", "nvidia.cdi.k8s.io/container-a", "io.kubernetes.cri-o.Devices", "io.kubernetes.cri-o.Devices/a"] {
		{v.check | some v in gpu_escape.deny} == {"cdi-annotation"} with input as _annotated(key)
	}
	every key in ["cdi", "xcdi.k8s.io/a", "example.com/cdi.k8s.io"] {
		count(gpu_escape.deny) == 0 with input as _annotated(key)
	}
}

test_capabilities if {
	every capability in ["SYS_ADMIN", "CAP_SYS_ADMIN", "cap_sys_admin", "all"] {
		_checks({"initContainers": [{"securityContext": {"capabilities": {"add": ["CHOWN", capability]}}}]}) == {["capability", "/spec/initContainers/0/securityContext/capabilities/add/1"]}
	}
	_checks({"containers": [{"securityContext": {"capabilities": {"add": ["NET_BIND_SERVICE"], "drop": ["ALL"]}}}]}) == set()
}

test_host_processes if {
	options := {"windowsOptions": {"hostProcess": true}}
	_checks({"securityContext": options, "containers": [{"securityContext": options}]}) == {
		["privileged", "/spec/securityContext/windowsOptions/hostProcess"],
		["privileged", "/spec/containers/0/securityContext/windowsOptions/hostProcess"],
	}
}

test_hiding if {
	spec := {"initContainers": [{}], "containers": [
		{"env": [{"name": "A"}]}, {"env": "x"}, {"resources": {"limits": {"nvidia.com/gpu": "1"}}},
		{"resources": {"limits": {"nvidia.com/gpu": "0"}}}, {"resources": {"claims": [{"name": "a"}]}}, 7,
	]}
	paths := {op.path | some op in gpu_escape.patch} with input as _input(spec)
	paths == {"/spec/initContainers/0/env", "/spec/containers/0/env/-", "/spec/containers/3/env"}
	updated := object.union(_input(spec), {"request": {"operation": "UPDATE"}})
	count(gpu_escape.patch) == 0 with input as updated
	template := object.union(updated, {"pod": {"path": "/spec/template"}})
	count(gpu_escape.patch) == 3 with input as template
}

test_administrative_access_that_was_there_may_be_labelled if {
	spec := {"devices": {"requests": [{"exactly": {"deviceClassName": "a", "adminAccess": true}}]}}
	asked := {
		"request": {
			"operation": "UPDATE", "kind": {"group": "resource.k8s.io", "kind": "ResourceClaim"},
			"object": {"metadata": {"labels": {"a": "b"}}, "spec": spec}, "oldObject": {"metadata": {}, "spec": spec},
		},
		"tenant": {"metadata": {"name": "acme"}}, "params": {"scope": "tenants"},
	}
	gpu_escape.deny == set() with input as asked
	other := {"request": {"oldObject": {"spec": {"devices": {"requests": [{"exactly": {"deviceClassName": "a", "adminAccess": false}}]}}}}}
	{denial.check | some denial in gpu_escape.deny} == {"admin-access"} with input as object.union(asked, other)
}
