package webhook_test

import (
	"maps"
	"strings"
	"testing"

	"usher.dev/usher/api/v1alpha1"
)

// TestATenantsOwnParametersCount changes them while the webhook runs.
func TestATenantsOwnParametersCount(t *testing.T) {
	ledger := ledgerOf(gpus(4))
	tenant := func(parameters any) fields {
		return fields{"kind": "Tenant", "metadata": fields{"name": "a"}, "spec": fields{"gpu": fields{}, "parameters": fields{"gpu_quota": parameters}}}
	}
	held := fakeCluster{namespaces: maps.Clone(team.namespaces), tenants: map[string]map[string]any{}}
	r := reviewerWith(t, compile(t, "", map[string]string{"room": room}), held, ledger, "")
	for _, tt := range []struct {
		parameters fields
		want       int64
	}{
		{fields{}, gpus(1)},
		{fields{"weights": fields{"nvidia.com/gpu": "1/2"}}, gpus(1) / 2},
		{fields{"weights": fields{"nvidia.com/gpu": "3"}}, gpus(3)},
	} {
		held.tenants["a"] = tenant(tt.parameters)
		for range 2 {
			pod := gpuPod("train", "1")
			pod["metadata"].(fields)["labels"] = fields{v1alpha1.ReservationLabel: "r1"}
			if out, err := validate(t, r, reviewBody(t, "v1", "Pod", pod, nil)); err != nil || !out.Allowed() {
				t.Fatalf("%v, %v", out, err)
			}
			if got := ledger.reservations(); len(got) != 1 || got[0].MicroUnits != tt.want {
				t.Errorf("%v: reserved %+v, want %d", tt.parameters, got, tt.want)
			}
		}
	}
	held.tenants["a"] = tenant("no parameters")
	if _, err := validate(t, r, reviewBody(t, "v1", "Pod", gpuPod("train", "1"), nil)); err == nil || !strings.Contains(err.Error(), `read the GPU weights of tenant "a"`) {
		t.Error("parameters that cannot be read:", err)
	}
}
