package randompod

import (
	corev1 "k8s.io/api/core/v1"
)

func (g generator) changePodContext(pod *corev1.Pod) {
	if pod.Spec.SecurityContext == nil || g.chance(10) {
		pod.Spec.SecurityContext = pick(g, nil, &corev1.PodSecurityContext{})
	}
	sc := pod.Spec.SecurityContext
	if sc == nil {
		return
	}
	switch g.IntN(8) {
	case 0:
		sc.SELinuxOptions = g.seLinuxOptions()
	case 1:
		sc.WindowsOptions = g.windowsOptions()
	case 2:
		sc.RunAsUser = g.user()
	case 3:
		sc.RunAsNonRoot = maybe(g, true, false)
	case 4:
		sc.SeccompProfile = g.seccompProfile()
	case 5:
		sc.AppArmorProfile = g.appArmorProfile()
	case 6:
		sc.RunAsGroup, sc.FSGroup = new(int64(0)), new(int64(0))
	default:
		sc.SupplementalGroups = []int64{0}
	}
}

// contextChanges change the security context of a container.
var contextChanges = []func(generator, *corev1.SecurityContext){
	func(g generator, sc *corev1.SecurityContext) { sc.AllowPrivilegeEscalation = maybe(g, true, false) },
	func(g generator, sc *corev1.SecurityContext) { sc.AppArmorProfile = g.appArmorProfile() },
	func(g generator, sc *corev1.SecurityContext) { sc.Capabilities = g.capabilities() },
	func(g generator, sc *corev1.SecurityContext) { sc.Capabilities = g.capabilities() },
	func(g generator, sc *corev1.SecurityContext) { sc.Privileged = maybe(g, true, true, false) },
	func(g generator, sc *corev1.SecurityContext) {
		sc.ProcMount = maybe(g, corev1.UnmaskedProcMount, corev1.UnmaskedProcMount, corev1.DefaultProcMount, "", "default")
	},
	func(g generator, sc *corev1.SecurityContext) { sc.ReadOnlyRootFilesystem = maybe(g, true, false) },
	func(g generator, sc *corev1.SecurityContext) { sc.RunAsNonRoot = maybe(g, true, false) },
	func(g generator, sc *corev1.SecurityContext) { sc.RunAsUser = g.user() },
	func(g generator, sc *corev1.SecurityContext) { sc.SELinuxOptions = g.seLinuxOptions() },
	func(g generator, sc *corev1.SecurityContext) { sc.SeccompProfile = g.seccompProfile() },
	func(g generator, sc *corev1.SecurityContext) { sc.WindowsOptions = g.windowsOptions() },
}

func (g generator) user() *int64 { return maybe[int64](g, 0, 0, 1, 1000, -1) }

func (g generator) seccompProfile() *corev1.SeccompProfile {
	return pick(g, nil, &corev1.SeccompProfile{Type: pick(g,
		corev1.SeccompProfileTypeRuntimeDefault,
		corev1.SeccompProfileTypeLocalhost,
		corev1.SeccompProfileTypeUnconfined,
		"", "runtimeDefault", "Localhost/profile",
	)})
}

func (g generator) appArmorProfile() *corev1.AppArmorProfile {
	return pick(g, nil, &corev1.AppArmorProfile{Type: pick(g,
		corev1.AppArmorProfileTypeRuntimeDefault,
		corev1.AppArmorProfileTypeLocalhost,
		corev1.AppArmorProfileTypeUnconfined,
		"", "localhost",
	)})
}

func (g generator) seLinuxOptions() *corev1.SELinuxOptions {
	o := &corev1.SELinuxOptions{Level: pick(g, "", "s0:c1,c2")}
	if !g.chance(4) {
		o.Type = pick(g, "", "container_t", "container_init_t", "container_kvm_t", "container_engine_t", "spc_t", "Container_t")
	}
	if g.chance(4) {
		o.User = pick(g, "", "system_u")
	}
	if g.chance(4) {
		o.Role = pick(g, "", "system_r")
	}
	return pick(g, nil, o, o, o)
}

func (g generator) windowsOptions() *corev1.WindowsSecurityContextOptions {
	o := &corev1.WindowsSecurityContextOptions{RunAsUserName: maybe(g, "app")}
	o.HostProcess = maybe(g, true, true, false)
	return pick(g, nil, o, o)
}

func (g generator) capabilities() *corev1.Capabilities {
	c := &corev1.Capabilities{}
	for range pick(g, 0, 0, 1, 2) {
		c.Add = append(c.Add, pick(g,
			corev1.Capability("NET_BIND_SERVICE"), "NET_BIND_SERVICE", "CHOWN", "SYS_CHROOT", "AUDIT_WRITE",
			"NET_RAW", "NET_ADMIN", "SYS_ADMIN", "ALL", "CAP_CHOWN", "chown", ""))
	}
	for range pick(g, 0, 1, 1, 2) {
		c.Drop = append(c.Drop, pick(g, corev1.Capability("ALL"), "ALL", "ALL", "all", "NET_RAW", ""))
	}
	return pick(g, nil, c, c, c, c)
}

func (g generator) changeSysctls(pod *corev1.Pod) {
	if pod.Spec.SecurityContext == nil {
		pod.Spec.SecurityContext = &corev1.PodSecurityContext{}
	}
	for range pick(g, 1, 1, 2) {
		pod.Spec.SecurityContext.Sysctls = append(pod.Spec.SecurityContext.Sysctls, corev1.Sysctl{Name: pick(g,
			"kernel.shm_rmid_forced",
			"net.ipv4.ip_local_port_range",
			"net.ipv4.tcp_syncookies",
			"net.ipv4.ping_group_range",
			"net.ipv4.ip_unprivileged_port_start",
			"net.ipv4.ip_local_reserved_ports",
			"net.ipv4.tcp_keepalive_time",
			"net.ipv4.tcp_fin_timeout",
			"net.ipv4.tcp_keepalive_intvl",
			"net.ipv4.tcp_keepalive_probes",
			"net.ipv4.tcp_rmem",
			"net.ipv4.tcp_wmem",
			"net.ipv4.tcp_slow_start_after_idle",
			"net.ipv4.tcp_notsent_lowat",
			"kernel.msgmax", "net/ipv4/tcp_rmem", "",
		), Value: "1"})
	}
}
