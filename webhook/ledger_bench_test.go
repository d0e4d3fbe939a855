package webhook_test

import (
	"context"
	"fmt"
	"strings"
	"testing"

	"usher.dev/usher/internal/config"
	"usher.dev/usher/quota"
	"usher.dev/usher/webhook"
)

// BenchmarkLedger shows what a ledger costs: pods without GPUs nothing, neither
// time nor memory, and those with GPUs what is around its write.
func BenchmarkLedger(b *testing.B) {
	withGPU := func(i int) string {
		review := strings.Replace(replicaReview(i), `"cpu":"500m"`, `"cpu":"500m","nvidia.com/gpu":"1"`, 1)
		review = strings.Replace(review, `"cpu":"100m"`, `"cpu":"100m","nvidia.com/gpu":"1"`, 1)
		return strings.Replace(review, `"app":"web"`, fmt.Sprintf(`"app":"web","usher.dev/reservation":"r%d"`, i), 1)
	}
	for _, pods := range []struct {
		name   string
		review func(i int) string
	}{{"without GPUs", replicaReview}, {"with a GPU", withGPU}} {
		for _, ledger := range []struct {
			name string
			webhook.Ledger
		}{{"no ledger", nil}, {"a ledger", openLedger{}}} {
			b.Run(pods.name+", "+ledger.name, func(b *testing.B) {
				mutate, validate := benchHandlers(b, config.Default(), ledger.Ledger)
				b.Run("mutate", func(b *testing.B) { ask(b, mutate, "/mutate", pods.review) })
				b.Run("validate", func(b *testing.B) { ask(b, validate, "/validate", pods.review) })
			})
		}
	}
}

// openLedger has room for everyone, and writes nothing.
type openLedger struct{}

func (openLedger) Document(context.Context, string, quota.Ask) (map[string]any, error) {
	return nil, nil
}

func (openLedger) Reserve(ctx context.Context, _ string, ask quota.Ask, decide func(context.Context, map[string]any) bool) error {
	decide(ctx, quota.Document(ledgerOf(gpus(1_000_000)).ledgers["a"], ask))
	return nil
}
