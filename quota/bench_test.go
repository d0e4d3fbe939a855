package quota

import (
	"fmt"
	"testing"

	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
)

// crowd are n holders, ten to a namespace.
func crowd(n int) []v1alpha1.LedgerEntry {
	out := make([]v1alpha1.LedgerEntry, n)
	for i := range out {
		id := fmt.Sprintf("%05d", i)
		out[i] = v1alpha1.LedgerEntry{
			Reservation: "abcdefghijklmnopqrstu" + id, Kind: v1alpha1.KindPod, Namespace: "team-" + id[:4], Name: "training-job-worker-" + id,
			UID: types.UID("c5fad0c7-8c77-4a01-b1d0-1a5cb54" + id), MicroUnits: int64(One), Resources: map[string]int64{"nvidia.com/gpu": 1},
		}
	}
	return out
}

// BenchmarkDecideBatch decides a full batch on the ledger of a large tenant; the
// rule itself takes no time here.
func BenchmarkDecideBatch(b *testing.B) {
	for _, holders := range []int{64, 1000, 5000} {
		b.Run(fmt.Sprint(holders, " holders"), func(b *testing.B) {
			ledger := ledgerOf(10_000, crowd(holders)...)
			b.ReportAllocs()
			for b.Loop() {
				book := openBook(ledger)
				for i := range maxBatch {
					ask := askFor(fmt.Sprint("r", i), 1)
					if document, err := book.consider(&ask); err == nil && fits(document) {
						book.add(&ask.Entry)
					}
				}
				if book.added != maxBatch {
					b.Fatal(book.added)
				}
			}
		})
	}
}

// BenchmarkSettle holds a ledger against as many pods, ten of them new.
func BenchmarkSettle(b *testing.B) {
	for _, holders := range []int{64, 1000, 5000} {
		b.Run(fmt.Sprint(holders, " holders"), func(b *testing.B) {
			live := crowd(holders)
			status := statusOf(live[10:], nil)
			for _, e := range live[:10] {
				e.UID = ""
				status.Reservations = append(status.Reservations, e)
			}
			b.ReportAllocs()
			for b.Loop() {
				if got := settle(status, &sight{live: live}); len(got.status.Holders) != holders || !got.changed {
					b.Fatal(got)
				}
			}
		})
	}
}

// BenchmarkPodEntry counts one pod.
func BenchmarkPodEntry(b *testing.B) {
	weights, err := ParseWeights(nil)
	if err != nil {
		b.Fatal(err)
	}
	pod := gpuPod()
	b.ReportAllocs()
	for b.Loop() {
		if _, holds := podEntry(pod, weights, nil, nil); !holds {
			b.Fatal("it holds nothing")
		}
	}
}
