package extender

import (
	"testing"

	"usher.dev/usher/api/v1alpha1"
)

func TestMIGDevicesLeaveRoomForLargeOnes(t *testing.T) {
	b := boardOf(t, sample(t, "a100-mixed-mig", "m"))
	small := b.resources[b.resource(prefixMIG+"1g.5gb")].units
	byGPU := map[int][]int{}
	for _, i := range small {
		byGPU[b.units[i].gpu] = append(byGPU[b.units[i].gpu], i)
	}
	cut := byGPU[3] // GPU 3 is cut into small ones from slice 0 on
	fresh := scoreMIG(at(b, b.empty(), cut[0]))
	o := b.empty()
	o.take(cut[:1])
	beside := scoreMIG(at(b, o, cut[1]))
	if beside <= fresh {
		t.Errorf("beside a held one %g, on an empty GPU %g", beside, fresh)
	}
	if whole := scoreMIG(at(b, b.empty(), b.resources[b.resource(resourceGPU)].units[0])); whole != notAsked {
		t.Errorf("a whole GPU: %g", whole)
	}
}

func TestSharesFillGPUs(t *testing.T) {
	g := made("n", 2, pairs, nil)
	g.Status.Resources = []v1alpha1.DeviceResource{{Name: resourceShared, Devices: []string{g.Status.GPUs[0].UUID, g.Status.GPUs[1].UUID}, Replicas: 4}}
	b := boardOf(t, g)
	near(t, "the first of four", scoreMIG(at(b, b.empty(), 0)), 0.25)
	near(t, "the last of four", scoreMIG(at(b, occupancy{3, 0}, 0)), 1)
	near(t, "both", scoreMIG(at(b, occupancy{3, 0}, 0, 1)), 0.625)
}
