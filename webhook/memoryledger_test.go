package webhook_test

import (
	"context"
	"slices"
	"sync"
	"testing"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
)

// memoryLedger keeps ledgers in memory and shows them as package quota does. It
// decides on one request at a time, so that nothing conflicts.
type memoryLedger struct {
	// rehearsals is how often a request is decided on a ledger that is about to
	// change, before it is decided for good; rehearse is that ledger.
	rehearsals int
	rehearse   *v1alpha1.QuotaLedger
	// err is what Reserve and Document fail with, once decide has answered.
	err error

	mu      sync.Mutex
	ledgers map[string]*v1alpha1.QuotaLedger
	asked   []quota.Ask
}

// gpus are that many whole ones, in millionths.
func gpus(n int64) int64 { return n * int64(quota.One) }

// ledgerOf is a ledger in memory for the tenant a.
func ledgerOf(limit int64, holders ...v1alpha1.LedgerEntry) *memoryLedger {
	ledger := &v1alpha1.QuotaLedger{}
	ledger.Name, ledger.Spec.Hard.MicroUnits, ledger.Status.Holders = "a", &limit, holders
	return &memoryLedger{ledgers: map[string]*v1alpha1.QuotaLedger{"a": ledger}}
}

func (m *memoryLedger) Document(_ context.Context, tenant string, ask quota.Ask) (map[string]any, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, ask)
	if m.err != nil || m.ledgers[tenant] == nil {
		return nil, m.err
	}
	return quota.Document(m.ledgers[tenant], ask), nil
}

func (m *memoryLedger) Reserve(ctx context.Context, tenant string, ask quota.Ask, decide func(ctx context.Context, quota map[string]any) bool) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.asked = append(m.asked, ask)
	ledger := m.ledgers[tenant]
	if ledger == nil {
		return quota.ErrNotCounted
	}
	for range m.rehearsals {
		decide(ctx, quota.Document(m.rehearse, ask))
	}
	same := func(e v1alpha1.LedgerEntry) bool { return e.Reservation == ask.Entry.Reservation }
	if slices.ContainsFunc(ledger.Status.Holders, same) {
		return quota.ErrSpent
	}
	admitted := decide(ctx, quota.Document(ledger, ask))
	if m.err != nil {
		return m.err
	}
	if admitted {
		ledger.Status.Reservations = append(slices.DeleteFunc(ledger.Status.Reservations, same), ask.Entry)
	}
	return nil
}

// reservations are those of the tenant a.
func (m *memoryLedger) reservations() []v1alpha1.LedgerEntry {
	m.mu.Lock()
	defer m.mu.Unlock()
	return slices.Clone(m.ledgers["a"].Status.Reservations)
}

// takeAsked returns what was asked since the last time.
func (m *memoryLedger) takeAsked() []quota.Ask {
	m.mu.Lock()
	defer m.mu.Unlock()
	asked := m.asked
	m.asked = nil
	return asked
}

// expectReserved compares what is reserved, but for the IDs.
func (m *memoryLedger) expectReserved(t *testing.T, want ...v1alpha1.LedgerEntry) {
	t.Helper()
	got := m.reservations()
	ids := map[string]bool{}
	for i := range got {
		ids[got[i].Reservation] = true
		got[i].Reservation = ""
	}
	if diff := diffEntries(want, got); diff != "" {
		t.Error("reservations (-want +got):\n" + diff)
	}
	if len(ids) != len(got) || ids[""] {
		t.Errorf("the reservations' IDs are %v", ids)
	}
}
