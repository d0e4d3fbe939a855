package usher.pod_security

# Kernel parameters that are not namespaced, or that weigh on other pods, belong to the node.
_faults("sysctls", value, profile) := {sprintf("/%v/name", [i]): {
	"check": "sysctls",
	"msg": sprintf("sysctl is %s; set none but %s", [
		_shown(sysctl, "name"),
		concat(", ", {name | some name, since in _safe_sysctls; since <= profile.minor}),
	]),
} |
	some i, sysctl in value
	not _safe_sysctl(sysctl, profile)
}

_safe_sysctl(sysctl, profile) if _safe_sysctls[sysctl.name] <= profile.minor

# Each safe sysctl and the minor version since which it counts as safe.
_safe_sysctls := {
	"kernel.shm_rmid_forced": 0,
	"net.ipv4.ip_local_port_range": 0,
	"net.ipv4.ip_local_reserved_ports": 27,
	"net.ipv4.ip_unprivileged_port_start": 0,
	"net.ipv4.ping_group_range": 0,
	"net.ipv4.tcp_fin_timeout": 29,
	"net.ipv4.tcp_keepalive_intvl": 29,
	"net.ipv4.tcp_keepalive_probes": 29,
	"net.ipv4.tcp_keepalive_time": 29,
	"net.ipv4.tcp_notsent_lowat": 37,
	"net.ipv4.tcp_rmem": 32,
	"net.ipv4.tcp_slow_start_after_idle": 37,
	"net.ipv4.tcp_syncookies": 0,
	"net.ipv4.tcp_wmem": 32,
}
