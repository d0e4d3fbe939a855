package agent

import (
	"context"

	"usher.dev/usher/api/v1alpha1"
)

// Utilisation is told in steps, so that a busy node does not write all the time.
const (
	utilizationStep = 25
	// utilizationSlack is how many points a value must leave its step by.
	utilizationSlack = 5
	// utilizationWeight is the share, one in that many, of a new reading.
	utilizationWeight = 4
)

// utilizationProbe tells how busy GPUs are.
var utilizationProbe = Probe{
	Name:    "utilization",
	Gather:  gatherUtilization,
	Compute: computeUtilization,
}

func gatherUtilization(_ context.Context, _ *Machine, f *Facts) error {
	return f.eachGPU(func(device Device, gpu *GPUFacts) error {
		load, err := device.Load()
		if err != nil {
			return err
		}
		gpu.Busy = gpu.Busy.next(load.Percent)
		gpu.Memory = gpu.Memory.next(load.MemoryUsedPercent)
		return nil
	})
}

func computeUtilization(f *Facts, status *v1alpha1.GPUNodeStatus) {
	for i, g := range f.GPUs {
		status.GPUs[i].UtilizationPercent = int32(g.Busy.Step)
		status.GPUs[i].MemoryUsedPercent = int32(g.Memory.Step)
	}
}

// gauge is a smoothed percentage.
type gauge struct {
	// Known is false before the first reading.
	Known bool
	// Hundredths of a percent: what is smoothed would stick on whole ones.
	Hundredths int
	// Step is what is told.
	Step int
}

// next returns the gauge after a reading in percent.
func (g gauge) next(percent int) gauge {
	reading := 100 * min(max(percent, 0), 100)
	if !g.Known {
		return gauge{Known: true, Hundredths: reading, Step: percentStep(reading)}
	}
	g.Hundredths += (reading - g.Hundredths) / utilizationWeight
	low, high := 100*(g.Step-utilizationSlack), 100*(g.Step+utilizationStep+utilizationSlack)
	switch {
	// Smoothing never quite reaches the end of the scale.
	case g.Hundredths >= 9950:
		g.Step = 100
	case g.Hundredths < low || g.Hundredths >= high:
		g.Step = percentStep(g.Hundredths)
	}
	return g
}

func percentStep(hundredths int) int { return hundredths / 100 / utilizationStep * utilizationStep }
