package extender

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/topology"
)

func boardOf(t testing.TB, g *v1alpha1.GPUNode) *board {
	t.Helper()
	b, err := newBoard(g, newShapes())
	must(t, err)
	return b
}

// TestAdmitHandsOutDevicesAsTheKubeletDoes: containers in order, an init
// container's devices to those after it, a sidecar's to nobody.
func TestAdmitHandsOutDevicesAsTheKubeletDoes(t *testing.T) {
	always := corev1.ContainerRestartPolicyAlways
	side := func(n int) corev1.Container {
		c := container("side", resourceGPU, n)
		c.RestartPolicy = &always
		return c
	}
	c := func(n int) corev1.Container { return container("c", resourceGPU, n) }
	for _, tt := range []struct {
		name string
		init []corev1.Container
		app  []corev1.Container
		held topology.Set
		want []topology.Set // by container
		all  topology.Set
	}{
		{"a pair is taken together", nil, []corev1.Container{c(2)}, 0, []topology.Set{topology.Of(0, 1)}, topology.Of(0, 1)},
		{"the next container gets the next pair", nil, []corev1.Container{c(2), c(2)}, 0, []topology.Set{topology.Of(0, 1), topology.Of(2, 3)}, topology.Of(0, 1, 2, 3)},
		{"a lone GPU is no pair", nil, []corev1.Container{c(2)}, topology.Of(0), []topology.Set{topology.Of(2, 3)}, topology.Of(2, 3)},
		{"an init container's devices are reused", []corev1.Container{c(4)}, []corev1.Container{c(2)}, 0, []topology.Set{topology.Of(0, 1, 2, 3), topology.Of(0, 1)}, topology.Of(0, 1, 2, 3)},
		{"each by one container", []corev1.Container{c(2)}, []corev1.Container{c(2), c(2)}, 0, []topology.Set{topology.Of(0, 1), topology.Of(0, 1), topology.Of(2, 3)}, topology.Of(0, 1, 2, 3)},
		{"a sidecar keeps its own", []corev1.Container{side(2)}, []corev1.Container{c(2)}, 0, []topology.Set{topology.Of(0, 1), topology.Of(2, 3)}, topology.Of(0, 1, 2, 3)},
		{"a sidecar reuses and keeps", []corev1.Container{c(2), side(2)}, []corev1.Container{c(2)}, 0, []topology.Set{topology.Of(0, 1), topology.Of(0, 1), topology.Of(2, 3)}, topology.Of(0, 1, 2, 3)},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := boardOf(t, made("n", 8, pairs, nil))
			o := b.empty()
			for i := range tt.held.Members() {
				o[i]++
			}
			d, _, err := demandOf(&corev1.Pod{Spec: corev1.PodSpec{InitContainers: tt.init, Containers: tt.app}})
			must(t, err)
			p, short := b.admit(o, &d)
			if short != nil {
				t.Fatalf("%+v", short)
			}
			var got []topology.Set
			for _, units := range p.containers {
				got = append(got, b.gpusOf(units))
			}
			if diff := cmp.Diff(tt.want, got); diff != "" || b.gpusOf(p.units) != tt.all || len(p.units) != tt.all.Len() {
				t.Errorf("all %s (-want +got):\n%s", b.gpusOf(p.units), diff)
			}
		})
	}
}

func TestSharesAreSpreadAndMIGDevicesAreEachHeldOnce(t *testing.T) {
	g := made("n", 2, pairs, nil)
	g.Status.Resources = []v1alpha1.DeviceResource{{Name: resourceShared, Devices: []string{g.Status.GPUs[0].UUID, g.Status.GPUs[1].UUID}, Replicas: 2}}
	b := boardOf(t, g)
	o := b.empty()
	d, _, err := demandOf(&corev1.Pod{Spec: corev1.PodSpec{Containers: []corev1.Container{container("a", resourceShared, 3)}}})
	must(t, err)
	p, short := b.admit(o, &d)
	if short != nil || !slices.Equal(o, occupancy{2, 1}) {
		t.Fatalf("%v, occupied %v", short, o)
	}
	if len(p.units) != 3 {
		t.Errorf("units %v", p.units)
	}
	if _, short = b.admit(o, &d); short == nil || *short != (shortage{resourceShared, 3, 1}) {
		t.Errorf("shortage %+v", short)
	}

	mig := boardOf(t, sample(t, "a100-mixed-mig", "m"))
	const profile = prefixMIG + "1g.5gb"
	free := mig.usable(profile)
	ask := &demand{containers: []containerDemand{{roleApp, []deviceCount{{profile, free}}}}}
	taken := mig.empty()
	p, short = mig.admit(taken, ask)
	if short != nil || free < 4 {
		t.Fatalf("%v of %d", short, free)
	}
	if slices.Sort(p.units); len(slices.Compact(p.units)) != free {
		t.Errorf("a MIG device is handed out twice: %v", p.units)
	}
	// A GPU in parts is not handed out whole, and nothing on an unhealthy one is.
	if whole := mig.freeGPUs(mig.empty(), mig.resource(resourceGPU)); whole != topology.Of(0, 1) {
		t.Errorf("whole GPUs %s", whole)
	}
	for i := range mig.gpus {
		mig.gpus[i].health = v1alpha1.Unhealthy
	}
	if _, short = mig.admit(mig.empty(), ask); short == nil || short.free != 0 {
		t.Errorf("of unhealthy GPUs: %+v", short)
	}
}

func TestWhoHoldsADeviceByOneResourceHoldsItByAll(t *testing.T) {
	g := made("n", 2, pairs, nil)
	uuid := func(i int) string { return g.Status.GPUs[i].UUID }
	g.Status.Resources = append(g.Status.Resources, v1alpha1.DeviceResource{Name: resourceShared, Devices: []string{uuid(0), uuid(1)}, Replicas: 4})
	g.Status.Allocations = []v1alpha1.Allocation{
		{Device: uuid(0), Replica: "1", Resource: resourceShared, Namespace: "x", Pod: "share", Container: "c"},
		{Device: uuid(1), Resource: "gpu.nvidia.com", Namespace: "x", Pod: "claim", Container: "c", Claim: "c"},
		{Device: "GPU-of-another-node", Resource: resourceGPU, Namespace: "x", Pod: "stray", Container: "c"},
	}
	b := boardOf(t, g)
	o, holdings, _ := b.charge(b.allocationsOf(g.Status.Allocations), nil, nil)
	if free := b.freeGPUs(o, b.resource(resourceGPU)); free != 0 || len(holdings) != 2 {
		t.Errorf("whole GPUs %s are free, %d hold some", free, len(holdings))
	}
	shares := b.resources[b.resource(resourceShared)].units
	if first, second := b.free(o, shares[0]), b.free(o, shares[1]); first != 3 || second != 0 {
		t.Errorf("%d and %d shares are free", first, second)
	}
}
