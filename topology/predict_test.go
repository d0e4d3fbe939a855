package topology

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// slowPredict does what the documentation of Predict says, by lists and one
// division after the other. none fills up the smaller set.
func slowPredict(g *Graph, available Set, k int) Set {
	const none = MaxGPUs
	gpus := slices.Collect(available.Members())
	for len(gpus)%k != 0 {
		gpus = append(gpus, none)
	}
	score := func(list []int) int {
		sum := 0
		for i, b := range list {
			for _, a := range list[:i] {
				if a == none || b == none {
					continue
				}
				l := g.Link(a, b)
				sum += 10 * int(l.Path)
				if !l.Switch {
					sum += 100 * min(l.Lanes, 18)
				}
			}
		}
		return sum
	}
	var best [][]int
	most := -1
	var divide func(left []int, sets [][]int)
	divide = func(left []int, sets [][]int) {
		if len(left) == 0 {
			sum, whole := 0, 0
			for _, list := range sets {
				sum += score(list)
				if !slices.Contains(list, none) {
					whole++
				}
			}
			if whole == available.Len()/k && sum > most {
				best, most = slices.Clone(sets), sum
			}
			return
		}
		var choose func(at int, list []int)
		choose = func(at int, list []int) {
			if len(list) == k {
				rest := slices.Clone(left)
				for _, gpu := range list {
					rest = slices.Delete(rest, slices.Index(rest, gpu), slices.Index(rest, gpu)+1)
				}
				divide(rest, append(slices.Clone(sets), slices.Clone(list)))
				return
			}
			for i := at; i < len(left); i++ {
				choose(i+1, append(slices.Clone(list), left[i]))
			}
		}
		choose(1, left[:1])
	}
	divide(gpus, nil)
	pick, heaviest := Set(0), -1
	for _, list := range best {
		if !slices.Contains(list, none) && score(list) > heaviest {
			pick, heaviest = Of(list...), score(list)
		}
	}
	return pick
}

func TestPredictDoesWhatItsDocumentationSays(t *testing.T) {
	for seed := range uint64(rounds(400)) {
		r := rand.New(rand.NewPCG(5, seed))
		g := randomGraph(t, r, 7)
		free := randomSet(r, g)
		for k := 1; k <= free.Len(); k++ {
			got, ok := Predict(g, free, k)
			if want := slowPredict(g, free, k); !ok || got != want {
				t.Fatalf("seed %d: %d of %v: got %v, want %v", seed, k, free, got, want)
			}
		}
	}
}

// TestPredictOfManyPairs is about the size at which go-gpuallocator forgets the
// best division.
func TestPredictOfManyPairs(t *testing.T) {
	g := pcie16.graph(t)
	for _, free := range []Set{0x1fff, 0xefbb} {
		got, _ := Predict(g, free, 2)
		if want := firstHeaviestPairing(g, free); got != want {
			t.Errorf("2 of %v: got %v, want %v", free, got, want)
		}
	}
}

// firstHeaviestPairing looks at every way to pair GPUs, one of them alone if
// their number is odd, and returns the heaviest pair of the first of the best.
func firstHeaviestPairing(g *Graph, free Set) Set {
	most, pick := -1, Set(0)
	var pair func(left Set, odd bool, sum, heaviest int, of Set)
	pair = func(left Set, odd bool, sum, heaviest int, of Set) {
		if left == 0 {
			if sum > most {
				most, pick = sum, of
			}
			return
		}
		gpus := slices.Collect(left.Members())
		a := gpus[0]
		for _, b := range gpus[1:] {
			weight := 10 * int(g.Link(a, b).Path)
			if weight > heaviest {
				pair(left.Without(a).Without(b), odd, sum+weight, weight, Of(a, b))
			} else {
				pair(left.Without(a).Without(b), odd, sum+weight, heaviest, of)
			}
		}
		if odd {
			pair(left.Without(a), false, sum, heaviest, of)
		}
	}
	pair(free, free.Len()%2 == 1, 0, -1, 0)
	return pick
}

func TestPredictOfMoreThanThereAre(t *testing.T) {
	g := gb200.graph(t)
	for _, k := range []int{-1, 0, 5, 17} {
		if s, ok := Predict(g, 0xffff, k); ok {
			t.Errorf("%d of 4: %v", k, s)
		}
		if c, ok := g.Tables(0xffff).Predicted(k); ok {
			t.Errorf("%d of 4: %v", k, c)
		}
		if list := g.Tables(0xffff).Picks(k); list != nil {
			t.Errorf("%d of 4: %v", k, list)
		}
		if g.Tables(0xffff).Assured(k, BestEffort) {
			t.Errorf("%d of 4 are assured", k)
		}
	}
}

func TestThePluginDoesNotSeeNVSwitches(t *testing.T) {
	// A DGX H100 with two GPUs free on one socket and one on the other: usher
	// would take any two, the plugin takes those of one socket.
	tables := dgxH100.graph(t).Tables(Of(0, 4, 5))
	if got, _ := tables.Predicted(2); got != (Choice{Of(4, 5), 1820}) {
		t.Errorf("picks %v", got)
	}
	// A half NVLinked machine with lanes through switches loses them in the
	// plugin's eyes.
	through := halfLinked
	through.link = func(a, b int) Link {
		l := halfLinked.link(a, b)
		l.Switch = true
		return l
	}
	for a := range 8 {
		for b := range a {
			want := 10 * int(halfLinked.link(b, a).Path)
			if got := through.graph(t).pluginWeight(a, b); got != want {
				t.Errorf("link %d-%d weighs %d, want %d", a, b, got, want)
			}
		}
	}
}

func TestAssured(t *testing.T) {
	for _, tt := range []struct {
		name  string
		shape shape
		free  Set
		k     int
		needs Requirement
		want  bool
	}{
		{"any GPU may be the one", halfLinked, 0xff, 1, NVLink, true},
		{"a bridged pair is picked", halfLinked, 0xff, 2, NVLink, true},
		{"without a bridged pair none is", halfLinked, Of(0, 2, 4, 5), 2, NVLink, false},
		{"all NVSwitches reach all", dgxA100, 0xff, 3, NVLink, true},
		{"two of one socket are picked", dgxH100, 0xff, 2, NUMA, true},
		{"three of eight may come from anywhere on one socket", dgxH100, 0xff, 3, NUMA, true},
		{"five are never on one socket", dgxH100, 0xff, 5, NUMA, false},
		{"of equal pairs one may cross NUMA nodes", crossed, 0xf, 2, NUMA, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.shape.graph(t).Tables(tt.free).Assured(tt.k, tt.needs); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

// crossed is a machine whose NVLinks say nothing of its NUMA nodes.
var crossed = shape{"crossed", inNodes(4, 2), func(int, int) Link { return Link{Path: SYS, Lanes: 2} }}

func TestPicksOfEqualPairs(t *testing.T) {
	tables := crossed.graph(t).Tables(0xf)
	if got := tables.Picks(2); len(got) != 6 {
		t.Errorf("picks %v, want every pair", got)
	}
	if got, _ := tables.Predicted(2); got.GPUs != Of(0, 1) {
		t.Errorf("predicted %v, want the first pair", got)
	}
}

func TestThePredictedSetIsAmongThePicks(t *testing.T) {
	for seed := range uint64(rounds(1000)) {
		r := rand.New(rand.NewPCG(6, seed))
		g := randomGraph(t, r, 8)
		free := randomSet(r, g)
		tables := g.Tables(free)
		for k := 1; k <= free.Len(); k++ {
			if got, _ := tables.Predicted(k); !slices.Contains(tables.Picks(k), got.GPUs) {
				t.Fatalf("seed %d: %d of %v: %v is not among %v", seed, k, free, got.GPUs, tables.Picks(k))
			}
		}
	}
}
