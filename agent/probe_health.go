package agent

import (
	"cmp"
	"context"
	"slices"

	"usher.dev/usher/api/v1alpha1"
)

// maxReasons is the most that a report holds for one GPU.
const maxReasons = 16

// healthProbe tells which GPUs new pods may use. The rules are in health.go.
var healthProbe = Probe{
	Name:      "health",
	Essential: true,
	Gather:    gatherHealth,
	Compute:   computeHealth,
}

func gatherHealth(_ context.Context, m *Machine, f *Facts) error {
	err := f.eachGPU(func(device Device, gpu *GPUFacts) error {
		wear, err := device.Wear()
		if err == nil {
			gpu.Wear = wear
		}
		return err
	})
	events := m.Driver.Events()
	marks := make(map[string]Marks, len(f.GPUs))
	for i := range f.GPUs {
		gpu := &f.GPUs[i]
		marks[gpu.UUID] = f.Marks[gpu.UUID].next(gpu, events, f.Now)
	}
	f.Marks = marks
	return err
}

func computeHealth(f *Facts, status *v1alpha1.GPUNodeStatus) {
	for i := range f.GPUs {
		gpu := &f.GPUs[i]
		findings := judge(gpu, f.Marks[gpu.UUID], f.expectedLanes(gpu), f.Now)
		slices.SortFunc(findings, func(a, b finding) int { return cmp.Compare(a.code, b.code) })
		status.GPUs[i].Health = v1alpha1.Healthy
		for _, found := range findings {
			if found.state == v1alpha1.Unhealthy || status.GPUs[i].Health == v1alpha1.Healthy {
				status.GPUs[i].Health = found.state
			}
		}
		for _, found := range findings[:min(len(findings), maxReasons)] {
			status.GPUs[i].HealthReasons = append(status.GPUs[i].HealthReasons, v1alpha1.HealthReason{Code: found.code, Message: found.message})
		}
	}
}

// expectedLanes is how many NVLinks a GPU should have up: the most that it has
// had since the driver was loaded, and behind NVSwitches as many as its peers.
func (f *Facts) expectedLanes(gpu *GPUFacts) int {
	lanes := f.Marks[gpu.UUID].Lanes
	for i := range f.GPUs {
		peer := &f.GPUs[i]
		if peer.Model == gpu.Model && peer.lanesToSwitch() > 0 {
			lanes = max(lanes, peer.activeLanes())
		}
	}
	return lanes
}
