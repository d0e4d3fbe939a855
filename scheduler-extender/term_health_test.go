package extender

import (
	"testing"

	"usher.dev/usher/api/v1alpha1"
)

func TestHealthFallsWithDegradedAndBusyGPUs(t *testing.T) {
	b := unhealthyBoard(t, func(gpus []v1alpha1.GPU) {
		gpus[1].Health = v1alpha1.Degraded
		gpus[2].UtilizationPercent, gpus[2].MemoryUsedPercent = 100, 100
		gpus[3].MemoryUsedPercent = 50
	})
	near(t, "healthy and idle", scoreHealth(at(b, b.empty(), 0)), 1)
	near(t, "degraded", scoreHealth(at(b, b.empty(), 1)), 0.25)
	near(t, "one of two degraded", scoreHealth(at(b, b.empty(), 0, 1)), 0.25)
	near(t, "busy and full", scoreHealth(at(b, b.empty(), 2)), 0.5)
	near(t, "half full", scoreHealth(at(b, b.empty(), 3)), 0.875)
	near(t, "one of two busy", scoreHealth(at(b, b.empty(), 0, 2)), 0.75)
}
