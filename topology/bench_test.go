package topology

import (
	"fmt"
	"testing"
)

// machines are those of 4, 8 and 16 GPUs that are measured.
var machines = []shape{gb200, dgx1, pcie16}

// BenchmarkTables is the cost of one allocation state: the best sets of every
// size for every requirement.
func BenchmarkTables(b *testing.B) {
	for _, s := range machines {
		g := s.graph(b)
		b.Run(fmt.Sprintf("gpus=%d", g.Len()), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g.Tables(g.All())
			}
		})
	}
}

// BenchmarkPick is the cost of one pick of k GPUs, all of them free: Predict, and
// the policy whose pick it predicts.
func BenchmarkPick(b *testing.B) {
	for _, s := range machines {
		g := s.graph(b)
		list := devices(g)
		for k := 1; k <= g.Len(); k *= 2 {
			name := fmt.Sprintf("gpus=%d/k=%d/", g.Len(), k)
			b.Run(name+"usher", func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					Predict(g, g.All(), k)
				}
			})
			b.Run(name+"go-gpuallocator", func(b *testing.B) {
				if g.Len() == 16 && (k == 2 || k == 4) {
					b.Skip("takes seconds for one pick")
				}
				b.ReportAllocs()
				for b.Loop() {
					allocate(list, k)
				}
			})
		}
	}
}

// BenchmarkPicks is the cost of knowing every pick that the order of the free
// GPUs can lead to.
func BenchmarkPicks(b *testing.B) {
	for _, s := range machines {
		g := s.graph(b)
		for k := 1; k <= g.Len(); k *= 2 {
			b.Run(fmt.Sprintf("gpus=%d/k=%d", g.Len(), k), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					t := Tables{graph: g, free: g.All()}
					t.Picks(k)
				}
			})
		}
	}
}
