package topology

import (
	"math/rand/v2"
	"slices"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// bruteForce finds the best set of each size by looking at all subsets, in no
// clever way.
func bruteForce(g *Graph, free Set, r Requirement) [MaxGPUs]Choice {
	var best [MaxGPUs]Choice
	for s := Set(1); s != 0; s++ {
		if s&^free != 0 {
			continue
		}
		weight, k := 0, 0
		meets := true
		numa := map[int]bool{}
		for a := range MaxGPUs {
			if s>>a&1 == 0 {
				continue
			}
			k++
			numa[g.GPU(a).NUMA] = true
			for b := range a {
				if s>>b&1 == 1 {
					l := g.Link(a, b)
					weight += 10*int(l.Path) + 100*l.Lanes
					meets = meets && (r != NVLink || l.Lanes > 0)
				}
			}
		}
		meets = meets && (r != NUMA || k == 1 || len(numa) == 1 && !numa[-1])
		if b := &best[k-1]; meets && (b.GPUs == 0 || weight > b.Weight || weight == b.Weight && preferred(g, free, s, b.GPUs)) {
			*b = Choice{s, weight}
		}
	}
	return best
}

// preferred decides ties among few free GPUs by the documented rules; among many
// it would take too long, and it says no.
func preferred(g *Graph, free, a, b Set) bool {
	if free.Len() > 6 {
		return false
	}
	if x, y := slowRegret(g, free, a), slowRegret(g, free, b); x != y {
		return x < y
	}
	nodes := func(s Set) int {
		numa := map[int]bool{}
		for i := range s.Members() {
			numa[g.GPU(i).NUMA] = true
		}
		return len(numa)
	}
	if x, y := nodes(a), nodes(b); x != y {
		return x < y
	}
	return slices.Compare(slices.Collect(a.Members()), slices.Collect(b.Members())) < 0
}

// slowRegret is what Regret.Millionths says of taking s.
func slowRegret(g *Graph, free, s Set) int {
	heaviest := func(of Set, k int) int {
		most := -1
		for sub := of; sub != 0; sub = (sub - 1) & of {
			if sub.Len() == k {
				most = max(most, g.SetWeight(sub))
			}
		}
		return most
	}
	sum, count := 0, 0
	for _, k := range []int{1, 2, 4, 8} {
		before, after := heaviest(free, k), heaviest(free&^s, k)
		switch {
		case before < 0:
			continue
		case after < 0:
			sum += 1_000_000
		case before > 0:
			sum += (before - after) * 1_000_000 / before
		}
		count++
	}
	return sum / count
}

func TestBestEqualsBruteForce(t *testing.T) {
	for seed := range uint64(rounds(10_000)) {
		r := rand.New(rand.NewPCG(4, seed))
		g := randomGraph(t, r, MaxGPUs)
		free := randomSet(r, g)
		tables := g.Tables(free)
		for _, requirement := range []Requirement{BestEffort, NVLink, NUMA} {
			want := bruteForce(g, free, requirement)
			for k := 1; k <= MaxGPUs; k++ {
				got, ok := tables.Ideal(k, requirement)
				if ok != (want[k-1].GPUs != 0) || got.Weight != want[k-1].Weight {
					t.Fatalf("seed %d: %d of %v for %v: got %v, want %v", seed, k, free, requirement, got, want[k-1])
				}
				if !ok {
					continue
				}
				if got.GPUs.Len() != k || got.GPUs&^free != 0 || g.SetWeight(got.GPUs) != got.Weight || !g.Meets(got.GPUs, requirement) {
					t.Fatalf("seed %d: %d of %v for %v: %v is no such set", seed, k, free, requirement, got)
				}
				if free.Len() <= 6 && got != want[k-1] {
					t.Fatalf("seed %d: of equal sets of %d of %v for %v: got %v, want %v", seed, k, free, requirement, got, want[k-1])
				}
			}
		}
	}
}

func TestBestOnRealMachines(t *testing.T) {
	for _, tt := range []struct {
		name  string
		shape shape
		free  Set
		k     int
		needs Requirement
		want  Choice
		none  bool
	}{
		{name: "a DGX H100 gives two of one socket", shape: dgxH100, free: 0xff, k: 2, want: Choice{Of(0, 1), 1820}},
		{name: "a DGX H100 gives four of one socket", shape: dgxH100, free: 0xff, k: 4, want: Choice{Of(0, 1, 2, 3), 6 * 1820}},
		{name: "what is split over sockets has NVLink all the same", shape: dgxH100, free: Of(0, 1, 4, 5), k: 4, needs: NVLink, want: Choice{Of(0, 1, 4, 5), 2*1820 + 4*1810}},
		{name: "but is not on one NUMA node", shape: dgxH100, free: Of(0, 1, 4, 5), k: 4, needs: NUMA, none: true},
		{name: "one GPU leaves pairs whole", shape: dgxA100, free: Of(0, 1, 2, 4, 5), k: 1, want: Choice{Of(2), 0}},
		{name: "a DGX-1 has cliques of four", shape: dgx1, free: 0xff, k: 4, needs: NVLink, want: Choice{Of(0, 1, 2, 3), 900 + 2*50 + 4*20}},
		{name: "a DGX-1 has no clique of five", shape: dgx1, free: 0xff, k: 5, needs: NVLink, none: true},
		{name: "two lanes beat one", shape: dgx1, free: Of(0, 1, 2, 3), k: 2, want: Choice{Of(2, 3), 250}},
		{name: "a PCIe box gives those behind one switch", shape: pcieOnly, free: Of(1, 2, 3, 4), k: 2, want: Choice{Of(2, 3), 50}},
		{name: "a PCIe box has no NVLink", shape: pcieOnly, free: 0xff, k: 2, needs: NVLink, none: true},
		{name: "a bridged pair goes first", shape: halfLinked, free: 0xff, k: 2, needs: NVLink, want: Choice{Of(0, 1), 440}},
		{name: "two bridged pairs are no clique", shape: halfLinked, free: 0xff, k: 4, needs: NVLink, none: true},
		{name: "a single GPU is taken from where no bridge is", shape: halfLinked, free: 0xff, k: 1, want: Choice{Of(4), 0}},
		{name: "a GB200 tray is one clique", shape: gb200, free: 0xf, k: 4, needs: NVLink, want: Choice{Of(0, 1, 2, 3), 2*1820 + 4*1810}},
		{name: "GPUs that are not there are not free", shape: gb200, free: 0xffff, k: 5, none: true},
		{name: "no GPU is no set", shape: gb200, free: 0xf, k: 0, none: true},
		{name: "nothing has more GPUs than there can be", shape: dgx2, free: 0xffff, k: 17, none: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, ok := tt.shape.graph(t).Best(tt.free, tt.k, tt.needs)
			if diff := cmp.Diff(tt.want, got); diff != "" || ok == tt.none {
				t.Errorf("%v (-want +got)\n%s", ok, diff)
			}
		})
	}
}

func TestTablesMayBeMadeAndAskedByMany(t *testing.T) {
	graphs := []*Graph{dgx1.graph(t), dgxH100.graph(t), gb200.graph(t), pcieOnly.graph(t)}
	type answer struct {
		Ideal, Predicted Choice
		Picks            []Set
		Regret           Regret
	}
	ask := func(t *Tables) answer {
		var a answer
		a.Ideal, _ = t.Ideal(2, BestEffort)
		a.Predicted, _ = t.Predicted(2)
		a.Picks = t.Picks(2)
		a.Regret = t.Regret(a.Predicted.GPUs)
		return a
	}
	for _, g := range graphs {
		want, shared := ask(g.Tables(g.All())), g.Tables(g.All())
		var wait sync.WaitGroup
		for range 8 {
			wait.Go(func() {
				for _, tables := range []*Tables{shared, g.Tables(g.All())} {
					if diff := cmp.Diff(want, ask(tables)); diff != "" {
						t.Errorf("-want +got\n%s", diff)
					}
				}
			})
		}
		wait.Wait()
	}
}
