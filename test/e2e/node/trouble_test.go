//go:build linux

package node_test

import (
	"slices"

	"usher.dev/usher/api/v1alpha1"
)

// trouble lets something restart or fail, one thing after the other.
func (s *soak) trouble() {
	s.t.Helper()
	s.troubles++
	switch s.troubles % 5 {
	case 0:
		s.restartPlugins()
	case 1:
		s.restartKubelet(false)
	case 2:
		s.loseDevice()
	case 3:
		s.restartAgent()
	case 4:
		s.restartKubelet(true)
	}
}

// restartKubelet kills the kubelet and starts it again, and with it, if wanted,
// the plugins, which come later. What is deleted while it is away goes when it is
// back. No report may be Ready meanwhile and leave out what is in hand.
func (s *soak) restartKubelet(plugins bool) {
	s.t.Helper()
	s.counts["kubelet restarts"]++
	s.removeInitialized()
	reports := watchReports(s.t)
	shared.node.KillKubelet()
	s.awaitAllocationKnown(false)
	s.settle() // The pods run on, and the report says so.
	if plugins {
		s.counts["with the plugins"]++
		s.stopPlugins()
	}
	if len(s.pods) > 0 && s.random.IntN(2) == 0 {
		s.remove(s.pods[s.random.IntN(len(s.pods))])
	}
	if err := shared.node.StartKubelet(s.t.Context()); err != nil {
		s.t.Fatal(err)
	}
	s.awaitAllocationKnown(true)
	if plugins {
		s.settleWith(nil)
		s.startPlugins()
	}
	s.settle()
	awaitOffer(s.t, s.hardware)
	s.findLies(reports())
}

// removeInitialized lets the pods go whose init containers have devices. A kubelet
// that starts before the plugins are back takes an init container that has ended
// for one that wants devices anew, finds none, and kills the pod.
func (s *soak) removeInitialized() {
	s.t.Helper()
	for _, p := range slices.Clone(s.pods) {
		if slices.ContainsFunc(p.containers, func(c container) bool { return c.init }) {
			s.remove(p)
		}
	}
	s.settle()
}

func (s *soak) stopPlugins() {
	for _, plugin := range s.plugins {
		plugin.Stop()
	}
}

func (s *soak) startPlugins() {
	for _, plugin := range s.plugins {
		plugin.Start()
	}
}

// restartPlugins stops the device plugins, which takes all devices from the
// resources but none from the pods, and starts them again.
func (s *soak) restartPlugins() {
	s.t.Helper()
	s.counts["plugin restarts"]++
	s.stopPlugins()
	for _, resource := range s.hardware.Status.Resources {
		awaitOffered(s.t, resource.Name, 0)
	}
	s.settleWith(nil)
	s.startPlugins()
	awaitOffer(s.t, s.hardware)
	s.settle()
}

// loseDevice has a plugin call a device unhealthy, and well again.
func (s *soak) loseDevice() {
	s.t.Helper()
	s.counts["devices called unhealthy"]++
	i := s.random.IntN(len(s.plugins))
	lost := s.hardware.Status.Resources[i].Devices[s.random.IntN(len(s.hardware.Status.Resources[i].Devices))]
	var left []v1alpha1.DeviceResource
	for _, resource := range s.hardware.Status.Resources {
		resource.Devices = slices.DeleteFunc(slices.Clone(resource.Devices), func(uuid string) bool { return uuid == lost })
		if len(resource.Devices) > 0 {
			left = append(left, resource)
		}
	}
	s.plugins[i].SetHealth(lost, false)
	s.settleWith(left)
	s.plugins[i].SetHealth(lost, true)
	s.settle()
	awaitOffer(s.t, s.hardware)
}

// restartAgent kills the agent and starts it again.
func (s *soak) restartAgent() {
	s.t.Helper()
	s.counts["agent restarts"]++
	s.agent.kill()
	if len(s.pods) > 0 {
		s.remove(s.pods[0])
	}
	s.agent.start(s.t)
	s.settle()
}
