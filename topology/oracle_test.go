package topology

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/NVIDIA/go-gpuallocator/gpuallocator"
	"github.com/google/go-cmp/cmp"
)

// as sets a value whose type cannot be named here.
func as[T ~uint](to *T, value uint) { *to = T(value) }

// devices are the GPUs of a graph as NVIDIA's device plugin sees them. Its types
// of links count the PCIe paths up to 6 and go on with the number of NVLinks.
func devices(g *Graph) []*gpuallocator.Device {
	list := make([]*gpuallocator.Device, g.Len())
	for i := range list {
		list[i] = &gpuallocator.Device{Index: i, Links: map[int][]gpuallocator.P2PLink{}}
		list[i].UUID = fmt.Sprintf("GPU-%d", i)
	}
	for a, device := range list {
		for b, other := range list {
			link := g.Link(a, b)
			if a == b {
				continue
			}
			if link.Path != Unknown {
				l := gpuallocator.P2PLink{GPU: other}
				as(&l.Type, uint(link.Path))
				device.Links[b] = append(device.Links[b], l)
			}
			if link.Lanes > 0 && !link.Switch {
				l := gpuallocator.P2PLink{GPU: other}
				as(&l.Type, uint(PSB)+uint(min(link.Lanes, 18)))
				device.Links[b] = append(device.Links[b], l)
			}
		}
	}
	return list
}

// allocate asks go-gpuallocator's best-effort policy for k GPUs of a list. False
// where it answers with nil in the place of a GPU, on which the device plugin
// panics.
func allocate(list []*gpuallocator.Device, k int) (Set, bool) {
	var s Set
	for _, device := range gpuallocator.NewBestEffortPolicy().Allocate(list, nil, k) {
		if device == nil {
			return 0, false
		}
		s = s.With(device.Index)
	}
	return s, true
}

// of are the devices of a set, by index.
func of(list []*gpuallocator.Device, s Set) []*gpuallocator.Device {
	var some []*gpuallocator.Device
	for i := range s.Members() {
		some = append(some, list[i])
	}
	return some
}

// randomGraph has up to n GPUs. Some graphs have few kinds of links, so that many
// sets weigh the same, some have many.
func randomGraph(t testing.TB, r *rand.Rand, n int) *Graph {
	t.Helper()
	paths, lanes, nodes := 1+r.IntN(6), 1+r.IntN(20), 1+r.IntN(4)
	linked, switched := r.IntN(4), r.IntN(4) == 0
	gpus := make([]GPU, 1+r.IntN(n))
	var pairs []Pair
	for b := range gpus {
		gpus[b].NUMA = r.IntN(nodes+1) - 1
		for a := range b {
			l := Link{Path: Path(1 + r.IntN(paths))}
			if r.IntN(4) < linked {
				l.Lanes, l.Switch = 1+r.IntN(lanes), switched
			}
			pairs = append(pairs, Pair{a, b, l})
		}
	}
	g, err := New(gpus, pairs)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

// randomSet is a set of GPUs of which more or fewer are free.
func randomSet(r *rand.Rand, g *Graph) Set {
	s := Set(r.Uint32()) & g.All()
	if r.IntN(2) == 0 {
		s |= Set(r.Uint32()) & g.All()
	}
	return s
}

// rounds is how often a random test is repeated.
func rounds(n int) int {
	if testing.Short() {
		return n / 10
	}
	return n
}

func TestPredictIsWhatTheDevicePluginPicks(t *testing.T) {
	compared := 0
	for seed := range uint64(rounds(4000)) {
		r := rand.New(rand.NewPCG(1, seed))
		g := randomGraph(t, r, 8)
		list, free := devices(g), randomSet(r, g)
		for k := 1; k <= free.Len(); k++ {
			want, ok := allocate(of(list, free), k)
			if !ok {
				continue
			}
			compared++
			if got, _ := Predict(g, free, k); got != want {
				t.Fatalf("seed %d: %d of %v: got %v, want %v", seed, k, free, got, want)
			}
		}
	}
	if compared < rounds(10000) {
		t.Errorf("only %d picks could be compared", compared)
	}
}

func TestPredictIsWhatTheDevicePluginPicksOnRealMachines(t *testing.T) {
	for _, s := range shapes {
		t.Run(s.name, func(t *testing.T) {
			g := s.graph(t)
			list := devices(g)
			for _, k := range pluginSizes(g.Len()) {
				want, ok := allocate(list, k)
				if got, _ := Predict(g, g.All(), k); ok && got != want {
					t.Errorf("%d of all: got %v, want %v", k, got, want)
				}
			}
		})
	}
}

// pluginSizes are the numbers of GPUs that go-gpuallocator can choose of n in
// bearable time: with 16 GPUs it takes seconds for all others, hours for some.
func pluginSizes(n int) []int {
	if n == 16 {
		return []int{1, 8, 16}
	}
	sizes := make([]int, n)
	for i := range sizes {
		sizes[i] = i + 1
	}
	return sizes
}

func TestPicksAreThoseOfEveryOrder(t *testing.T) {
	compared := 0
	for seed := range uint64(rounds(300)) {
		r := rand.New(rand.NewPCG(2, seed))
		g := randomGraph(t, r, 6)
		list := devices(g)
		for k := 1; k <= g.Len(); k++ {
			picked := map[Set]bool{}
			right := true
			permute(list, func(order []*gpuallocator.Device) {
				s, ok := allocate(order, k)
				picked[s] = true
				right = right && ok
			})
			if !right {
				continue
			}
			compared++
			got := slices.Clone(g.Tables(g.All()).Picks(k))
			var want []Set
			for s := range picked {
				want = append(want, s)
			}
			slices.Sort(got)
			slices.Sort(want)
			if diff := cmp.Diff(want, got); diff != "" {
				t.Fatalf("seed %d: %d of %d (-plugin +got)\n%s", seed, k, g.Len(), diff)
			}
		}
	}
	if compared < rounds(500) {
		t.Errorf("only %d lists could be compared", compared)
	}
}

// permute visits every order of a list.
func permute[T any](list []T, visit func([]T)) {
	var swap func(int)
	swap = func(i int) {
		if i == len(list) {
			visit(list)
			return
		}
		for j := i; j < len(list); j++ {
			list[i], list[j] = list[j], list[i]
			swap(i + 1)
			list[i], list[j] = list[j], list[i]
		}
	}
	swap(0)
}

// TestBestWeighsAtLeastWhatTheDevicePluginPicks: the plugin looks for the best
// division of all free GPUs and takes the best of its sets, which mostly is one
// of the best sets there are.
func TestBestWeighsAtLeastWhatTheDevicePluginPicks(t *testing.T) {
	equal, compared := 0, 0
	for seed := range uint64(rounds(4000)) {
		r := rand.New(rand.NewPCG(3, seed))
		g := directGraph(t, r)
		list, free := devices(g), randomSet(r, g)
		for k := 1; k <= free.Len(); k++ {
			if free.Len()%k != 0 {
				continue
			}
			picked, ok := allocate(of(list, free), k)
			if !ok {
				continue
			}
			best, _ := g.Best(free, k, BestEffort)
			compared++
			switch {
			case best.Weight < g.SetWeight(picked):
				t.Fatalf("seed %d: %d of %v: best %v weighs less than %v", seed, k, free, best, picked)
			case best.Weight == g.SetWeight(picked):
				equal++
			}
		}
	}
	t.Logf("of %d picks of the plugin %d weigh as much as the best set", compared, equal)
	if equal == compared || equal < compared/2 {
		t.Errorf("of %d picks %d weigh as much as the best set", compared, equal)
	}
}

// directGraph has GPUs with direct NVLinks only, as many as the plugin counts.
func directGraph(t testing.TB, r *rand.Rand) *Graph {
	for {
		g := randomGraph(t, r, 8)
		if !slices.ContainsFunc(g.links, func(l Link) bool { return l.Switch || l.Lanes > maxPluginLanes }) {
			return g
		}
	}
}
