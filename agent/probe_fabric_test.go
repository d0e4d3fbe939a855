package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/api/v1alpha1"
)

func TestFabricOfAGPU(t *testing.T) {
	for _, tt := range []struct {
		name  string
		state FabricState
		want  *v1alpha1.Fabric
	}{
		{"a board without one", FabricState{}, nil},
		{"a fabric that does not leave the node", FabricState{Supported: true, Completed: true}, nil},
		{"a fabric that is not ready", FabricState{Supported: true, ClusterUUID: "9c6f5af3-53bf-49b5-a436-b66766c413c3"}, nil},
		{"a fabric that refused the GPU", FabricState{Supported: true, Completed: true, Failure: "ERROR_UNKNOWN", ClusterUUID: "9c6f5af3-53bf-49b5-a436-b66766c413c3"}, nil},
		{
			"a clique of a domain of many nodes",
			FabricState{Supported: true, Completed: true, ClusterUUID: "9c6f5af3-53bf-49b5-a436-b66766c413c3", Clique: 4026},
			&v1alpha1.Fabric{ClusterUUID: "9c6f5af3-53bf-49b5-a436-b66766c413c3", Clique: 4026},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			device := gpu("a")
			device.fabric = tt.state
			var facts Facts
			must(t, gathered(t, &facts, &Machine{Driver: newFakeDriver(device)}, inventoryProbe, fabricProbe))
			report(t, "fabric", cmp.Diff(tt.want, computed(&facts, inventoryProbe, fabricProbe).GPUs[0].Fabric))
		})
	}
}
