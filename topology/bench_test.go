package topology

import (
	"fmt"
	"testing"
)

func BenchmarkTables(b *testing.B) {
	for _, s := range []shape{gb200, dgx1, dgxH100, dgx2, pcie16} {
		g := s.graph(b)
		b.Run(s.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				g.Tables(g.All())
			}
		})
	}
}

func BenchmarkPredict(b *testing.B) {
	for _, s := range []shape{gb200, dgx1, dgx2, pcie16} {
		g := s.graph(b)
		for k := 1; k <= g.Len(); k++ {
			b.Run(fmt.Sprintf("%s/%d", s.name, k), func(b *testing.B) {
				b.ReportAllocs()
				for b.Loop() {
					Predict(g, g.All(), k)
				}
			})
		}
	}
}
