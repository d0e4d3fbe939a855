package usher.pod_security

# From v1.25 on a Windows pod is not asked for fields that it cannot have. Before that version pods did
# not say what system they are for.
_linux(profile) if profile.minor < 25

_linux(_) if not input.pod.spec.os.name == "windows"

# From v1.35 on a pod in a user namespace of its own (KEP-127) may be root there, who is nobody on the node.
_host_users(profile) if profile.minor < 35

_host_users(_) if not input.pod.spec.hostUsers == false
