package usher.pod_security_test

import data.usher.pod_security

# What is denied of a pod at a level and version.
denied(level, version, pod) := violations if {
	labels := {
		"pod-security.kubernetes.io/enforce": level,
		"pod-security.kubernetes.io/enforce-version": version,
	}
	violations := pod_security.deny with input as created(labels, pod)
}

# The checks that a pod fails.
failed(level, version, pod) := {v.check | some v in denied(level, version, pod)}

created(labels, pod) := {
	"namespace": {"metadata": {"labels": labels}},
	"pod": object.union({"metadata": {"name": "p"}, "path": ""}, pod),
	"params": {"default_level": "privileged", "tenant_default_level": "baseline", "default_version": "latest"},
}

# A pod with one container of each list, with the given pod spec and security
# context of each.
pod_of(spec, context) := {"spec": object.union(
	{list: [{"name": list, "image": "i", "securityContext": context}] |
		some list in ["initContainers", "containers", "ephemeralContainers"]
	},
	spec,
)}

# What the restricted level asks of a container and of a pod.
restricted_container := {"allowPrivilegeEscalation": false, "capabilities": {"drop": ["ALL"]}}

restricted_pod := {"securityContext": {"runAsNonRoot": true, "seccompProfile": {"type": "RuntimeDefault"}}}

# The same violation in each list of containers.
in_each_list(check, msg, below) := {{
	"check": check,
	"msg": msg,
	"path": sprintf("/spec/%s/0/%s", [list, below]),
} |
	some list in ["initContainers", "containers", "ephemeralContainers"]
}
