package topology

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

func TestNewSaysAllThatIsWrong(t *testing.T) {
	for _, tt := range []struct {
		name  string
		gpus  int
		pairs []Pair
		want  []string
	}{
		{"too many GPUs", 17, nil, []string{"17 GPUs are too many: at most 16"}},
		{"no such GPU", 2, []Pair{{0, 2, Link{}}, {-1, 1, Link{}}}, []string{"pair 0-2: there are GPUs 0 to 1", "pair -1-1: there are GPUs 0 to 1"}},
		{"a pair given twice", 2, []Pair{{0, 1, Link{Path: SYS}}, {1, 0, Link{Path: PIX}}}, []string{"pair 1-0: given twice"}},
		{"a GPU with itself", 2, []Pair{{1, 1, Link{}}}, []string{"pair 1-1: a GPU has no link to itself"}},
		{"fewer lanes than none", 2, []Pair{{0, 1, Link{Lanes: -1}}}, []string{"pair 0-1: -1 NVLink lanes: 0 to 1024 can be"}},
		{"more lanes than can be", 2, []Pair{{0, 1, Link{Lanes: 1025}}}, []string{"pair 0-1: 1025 NVLink lanes: 0 to 1024 can be"}},
		{"a path that is none", 2, []Pair{{0, 1, Link{Path: 7}}}, []string{"pair 0-1: Path(7) is no PCIe path"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			g, err := New(make([]GPU, tt.gpus), tt.pairs)
			if err == nil || g != nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(tt.want, strings.Split(err.Error(), "\n")); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

func TestLinksAreTheSameBothWays(t *testing.T) {
	for _, s := range shapes {
		g := s.graph(t)
		sum := 0
		for b := range g.Len() {
			for a := range b {
				want := s.link(a, b)
				if g.Link(a, b) != want || g.Link(b, a) != want {
					t.Errorf("%s: link %d-%d is %v and %v, want %v", s.name, a, b, g.Link(a, b), g.Link(b, a), want)
				}
				sum += 10*int(want.Path) + 100*want.Lanes
			}
		}
		if got := g.SetWeight(g.All()); got != sum {
			t.Errorf("%s weighs %d, want %d", s.name, got, sum)
		}
	}
}

func TestAGraphWithoutGPUs(t *testing.T) {
	g, err := New(nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	tables := g.Tables(0xffff)
	if _, ok := tables.Ideal(1, BestEffort); ok || tables.Free() != 0 || tables.Regret(0).Millionths() != 0 {
		t.Error("there is something in nothing")
	}
}

func TestPathNames(t *testing.T) {
	for p := Unknown; p <= PSB; p++ {
		if got, err := ParsePath(p.String()); got != p || err != nil {
			t.Errorf("%v is read as %v, %v", p, got, err)
		}
	}
	if _, err := ParsePath("NV12"); err == nil || !strings.Contains(err.Error(), `"NV12" is no PCIe path`) {
		t.Errorf("%v", err)
	}
}

func TestRequirementNames(t *testing.T) {
	for r := range Requirement(requirements) {
		if got, err := ParseRequirement(r.String()); got != r || err != nil {
			t.Errorf("%v is read as %v, %v", r, got, err)
		}
	}
	if _, err := ParseRequirement("NVLINK"); err == nil {
		t.Error("names are lower case")
	}
}

func TestMeets(t *testing.T) {
	unknown := shape{"unknown", []GPU{{-1}, {-1}, {0}}, func(int, int) Link { return Link{} }}
	for _, tt := range []struct {
		name  string
		shape shape
		set   Set
		needs Requirement
		want  bool
	}{
		{"anything is a best effort", pcieOnly, 0xff, BestEffort, true},
		{"one GPU is a clique", pcieOnly, Of(3), NVLink, true},
		{"one GPU is on one node", unknown, Of(0), NUMA, true},
		{"two of unknown nodes may be on two", unknown, Of(0, 1), NUMA, false},
		{"one unknown, one known", unknown, Of(1, 2), NUMA, false},
		{"one node", dgxA100, Of(2, 3), NUMA, true},
		{"two nodes", dgxA100, Of(1, 2), NUMA, false},
		{"every pair", dgx1, Of(0, 1, 2, 3), NVLink, true},
		{"all but one pair", dgx1, Of(0, 1, 2, 4), NVLink, false},
		{"no such requirement", dgx1, Of(0, 1), requirements, false},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := tt.shape.graph(t).Meets(tt.set, tt.needs); got != tt.want {
				t.Errorf("got %v", got)
			}
		})
	}
}

func TestSets(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		want := map[int]bool{}
		for _, i := range rapid.SliceOf(rapid.IntRange(0, MaxGPUs-1)).Draw(t, "members") {
			want[i] = true
		}
		var s Set
		for i := range want {
			s = s.With(i)
		}
		got := map[int]bool{}
		last := -1
		for i := range s.Members() {
			if i <= last {
				t.Fatalf("%d comes after %d", i, last)
			}
			got[i], last = true, i
		}
		if diff := cmp.Diff(want, got); diff != "" || s.Len() != len(want) {
			t.Fatalf("%d members (-want +got)\n%s", s.Len(), diff)
		}
		for i := range MaxGPUs {
			if s.Has(i) != want[i] || s.Without(i).Has(i) || s.Without(i).With(i) != s.With(i) {
				t.Fatalf("%d of %v", i, s)
			}
		}
	})
	if got := Of(0, 4, 15).String() + ";" + Set(0).String(); got != "0,4,15;none" {
		t.Errorf("printed as %s", got)
	}
}

func TestSubsetsOfASize(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		among := subset(rapid.Uint16().Draw(t, "among"))
		size := rapid.IntRange(0, Set(among).Len()).Draw(t, "size")
		want := map[subset]bool{}
		for s := among; ; s = (s - 1) & among {
			if Set(s).Len() == size {
				want[s] = true
			}
			if s == 0 {
				break
			}
		}
		got := map[subset]bool{}
		for s := lowest(among, size); ; {
			got[s] = true
			if s = next(s, among); s == 0 {
				break
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("-want +got\n%s", diff)
		}
	})
}
