package quota

import (
	"context"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

// Fixed are ledgers that are decided on and never written, such as those that
// stand in files.
type Fixed struct {
	source Source
}

// Source knows ledgers and limits by their tenant; nil for what there is not.
type Source interface {
	Ledger(tenant string) *v1alpha1.QuotaLedger
	Limits(tenant string) *v1alpha1.GPULimits
}

// NewFixed returns the ledgers of a source, which may change.
func NewFixed(source Source) *Fixed { return &Fixed{source} }

// Document returns input.quota for what is asked of a tenant's ledger. Of a tenant
// with limits and no ledger, nobody holds anything yet. It is nil for a tenant that
// is granted no GPU.
func (f *Fixed) Document(_ context.Context, tenant string, ask Ask) (map[string]any, error) {
	ledger := f.ledger(tenant)
	if ledger == nil {
		return nil, nil
	}
	return Document(ledger, ask), nil
}

// Reserve has decide say whether an entry may be added, and adds it nowhere.
func (f *Fixed) Reserve(ctx context.Context, tenant string, ask Ask, decide func(ctx context.Context, quota map[string]any) bool) error {
	if ledger := f.ledger(tenant); ledger != nil {
		decide(ctx, Document(ledger, ask))
	}
	return nil
}

// ledger is a tenant's ledger as the settler would keep it: with the limits of its
// Tenant, wherever there is one.
func (f *Fixed) ledger(tenant string) *v1alpha1.QuotaLedger {
	ledger, limits := f.source.Ledger(tenant), f.source.Limits(tenant)
	if limits == nil {
		return ledger
	}
	kept := &v1alpha1.QuotaLedger{ObjectMeta: metav1.ObjectMeta{Name: tenant}, Spec: v1alpha1.QuotaLedgerSpec{Hard: hardOf(limits)}}
	if ledger != nil {
		kept.Status = ledger.Status
	}
	return kept
}
