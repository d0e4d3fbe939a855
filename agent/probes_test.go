package agent

import (
	"os"
	"testing"
)

func TestEveryProbeHasATestFileOfItsOwn(t *testing.T) {
	seen := map[string]bool{}
	for _, machine := range []*Machine{{}, {Snapshot: "gpunode.yaml"}} {
		for _, p := range Probes(machine) {
			if p.Name == "" || p.Gather == nil || p.Compute == nil {
				t.Errorf("probe %+v is not whole", p)
			}
			seen[p.Name] = true
			for _, file := range []string{"probe_" + p.Name + ".go", "probe_" + p.Name + "_test.go"} {
				if _, err := os.Stat(file); err != nil {
					t.Errorf("probe %s: %v", p.Name, err)
				}
			}
		}
	}
	if len(seen) != 9 {
		t.Errorf("%d probes: %v", len(seen), seen)
	}
}
