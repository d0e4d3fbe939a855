package randompod

import (
	"slices"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/util/intstr"
)

// containerChanges change a container; most change its security context.
var containerChanges = slices.Concat(
	[]func(generator, *corev1.Container){
		generator.addPort,
		generator.addPort,
		generator.changeProbe,
		generator.changeProbe,
		generator.changeLifecycle,
	},
	slices.Repeat([]func(generator, *corev1.Container){generator.changeContext}, 12),
)

func (g generator) changeContext(c *corev1.Container) {
	if c.SecurityContext == nil || g.chance(16) {
		c.SecurityContext = pick(g, nil, &corev1.SecurityContext{}, &corev1.SecurityContext{})
	}
	if c.SecurityContext != nil {
		pick(g, contextChanges...)(g, c.SecurityContext)
	}
}

func (g generator) addPort(c *corev1.Container) {
	c.Ports = append(c.Ports, corev1.ContainerPort{
		ContainerPort: 80,
		HostPort:      pick[int32](g, 0, 0, 80, 65536, -1),
		HostIP:        pick(g, "", "127.0.0.1"),
	})
}

func (g generator) changeProbe(c *corev1.Container) {
	*pick(g, &c.LivenessProbe, &c.ReadinessProbe, &c.StartupProbe) = pick(g, nil, &corev1.Probe{
		ProbeHandler: corev1.ProbeHandler{
			Exec:      pick(g, nil, &corev1.ExecAction{Command: []string{"true"}}),
			HTTPGet:   g.httpGet(),
			TCPSocket: g.tcpSocket(),
			GRPC:      pick(g, nil, &corev1.GRPCAction{Port: 1}),
		},
	})
}

func (g generator) changeLifecycle(c *corev1.Container) {
	handler := &corev1.LifecycleHandler{HTTPGet: g.httpGet(), TCPSocket: g.tcpSocket()}
	c.Lifecycle = pick(g,
		nil,
		&corev1.Lifecycle{},
		&corev1.Lifecycle{PostStart: handler},
		&corev1.Lifecycle{PreStop: handler},
	)
}

func (g generator) httpGet() *corev1.HTTPGetAction {
	return pick(g, nil, &corev1.HTTPGetAction{Port: intstr.FromInt32(80), Host: g.host()})
}

func (g generator) tcpSocket() *corev1.TCPSocketAction {
	return pick(g, nil, &corev1.TCPSocketAction{Port: intstr.FromInt32(80), Host: g.host()})
}

func (g generator) host() string { return pick(g, "", "", "127.0.0.1", "db.example", " ") }
