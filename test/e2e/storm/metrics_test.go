package storm

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"testing"

	"usher.dev/usher/test/e2e/installation"
)

// metric returns the value of a series of a process; 0 where it has none.
func metric(ctx context.Context, unit *installation.Unit, series string) (float64, error) {
	page, err := unit.Get(ctx, "/metrics")
	if err != nil {
		return 0, err
	}
	for line := range strings.Lines(page) {
		if value, ok := strings.CutPrefix(line, series+" "); ok {
			return strconv.ParseFloat(strings.TrimSpace(value), 64)
		}
	}
	return 0, nil
}

// allAsked checks that the load was spread: every webhook was asked for GPUs. In a
// short burst one of them may have found the ledger full from the beginning.
func (c *cluster) allAsked(t *testing.T) {
	t.Helper()
	for i, unit := range c.Webhooks {
		asked := 0.0
		for _, outcome := range []string{"reserved", "denied"} {
			n, err := metric(t.Context(), unit, fmt.Sprintf("usher_ledger_reservations_total{outcome=%q}", outcome))
			must(t, err)
			asked += n
		}
		if asked == 0 {
			t.Errorf("webhook %d was asked nothing; connections were handed out as %s", i, c.handed())
		}
	}
}

func (c *cluster) handed() string {
	var out []string
	handed := c.Balancer.Handed()
	for _, address := range slices.Sorted(maps.Keys(handed)) {
		out = append(out, fmt.Sprintf("%s: %d", address, handed[address]))
	}
	return strings.Join(out, ", ")
}
