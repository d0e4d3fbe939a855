package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/api/v1alpha1"
)

func TestMIGInstancesAreListedBySlice(t *testing.T) {
	whole, cut, never := gpu("a"), gpu("b"), gpu("c")
	whole.mig = &v1alpha1.MIG{}
	cut.mig = &v1alpha1.MIG{Enabled: true, Instances: []v1alpha1.MIGInstance{
		{UUID: "MIG-2", Profile: "1c.3g.20gb", Start: 4, Size: 4},
		{UUID: "MIG-3", Profile: "3g.20gb", Start: 0, Size: 4},
		{UUID: "MIG-1", Profile: "1c.3g.20gb", Start: 4, Size: 4},
	}}
	var facts Facts
	must(t, gathered(t, &facts, &Machine{Driver: newFakeDriver(whole, cut, never)}, inventoryProbe, migProbe))
	gpus := computed(&facts, inventoryProbe, migProbe).GPUs
	report(t, "MIG", cmp.Diff([]*v1alpha1.MIG{
		{},
		{Enabled: true, Instances: []v1alpha1.MIGInstance{
			{UUID: "MIG-3", Profile: "3g.20gb", Start: 0, Size: 4},
			{UUID: "MIG-1", Profile: "1c.3g.20gb", Start: 4, Size: 4},
			{UUID: "MIG-2", Profile: "1c.3g.20gb", Start: 4, Size: 4},
		}},
		nil,
	}, []*v1alpha1.MIG{gpus[0].MIG, gpus[1].MIG, gpus[2].MIG}))
	if cut.mig.Instances[0].UUID != "MIG-2" {
		t.Error("the driver's own list was sorted")
	}
}
