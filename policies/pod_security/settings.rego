package usher.pod_security

import data.usher.lib.pods

# Most checks ask for the fields of a security context, be it the pod's or a container's. Each of them
# says in its own file
#
#     _faults(field, value, profile)   what is wrong with a value of a field
#     _missing(field, profile)         what is wrong with a container that does not set a field
#
# and is asked once for each distinct value in the pod. Only for a value that is wrong does anyone look
# where it stands.
_forbidden_settings(profile) := {_violation(fault.check, fault.msg, path) |
	some [field, value] in (_settings - _innocuous)
	some below, fault in _faults(field, value, profile)
	some place, context in _contexts
	context[field] == value
	path := sprintf("%s/securityContext/%s%s", [place, field, below])
}

_settings contains [field, value] if {
	some field, value in input.pod.spec.securityContext
	value != null
}

_settings contains [field, value] if {
	some context in _container_contexts
	some field, value in context
	value != null
}

_missing_settings(profile) := {_violation(fault.check, fault.msg, path) |
	some field in _unset
	fault := _missing(field, profile)
	some list in pods.container_lists
	some i, _ in input.pod.spec[list]
	not _sets(object.get(input.pod.spec, [list, i, "securityContext"], {}), field)
	path := sprintf("/spec/%s/%v/securityContext/%s%s", [list, i, field, fault.below])
} if {
	profile.level == "restricted"
} else := set() # baseline asks for nothing

# What most containers set, and no check forbids: nobody has to be asked. A unit test asks every check.
_innocuous := {
	["allowPrivilegeEscalation", false],
	["capabilities", {"drop": ["ALL"]}],
	["privileged", false],
	["readOnlyRootFilesystem", false],
	["readOnlyRootFilesystem", true],
	["runAsNonRoot", true],
	["seccompProfile", {"type": "RuntimeDefault"}],
}

# The fields that a check asks for and some container does not set. A field that is null is not set.
_unset contains field if {
	some context in _container_contexts
	set := {field | some field, value in context; value != null}
	some field in ({"allowPrivilegeEscalation", "capabilities", "runAsNonRoot", "seccompProfile"} - set)
}

_sets(context, field) if context[field] != null

_pod_sets(field) if input.pod.spec.securityContext[field] != null

# The distinct security contexts of the containers: there are fewer of them than containers.
_container_contexts contains context if {
	some list in pods.container_lists
	some i, _ in input.pod.spec[list]
	context := object.get(input.pod.spec, [list, i, "securityContext"], {})
}

# The security contexts by the JSON pointer of what they belong to.
_contexts["/spec"] := input.pod.spec.securityContext

_contexts[place] := c.securityContext if {
	some list in pods.container_lists
	some i, c in input.pod.spec[list]
	place := sprintf("/spec/%s/%v", [list, i])
}
