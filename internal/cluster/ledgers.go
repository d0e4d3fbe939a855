package cluster

import "usher.dev/usher/api/v1alpha1"

// Ledger returns the QuotaLedger of a tenant, nil if it stands in no file. What is
// used follows from its entries: a file need not state the sums, nor that anybody
// has counted.
func (o *Objects) Ledger(tenant string) *v1alpha1.QuotaLedger { return o.ledgers[tenant] }

// Limits returns what a tenant's pods and claims may hold; nil for a tenant that is
// granted no GPU.
func (o *Objects) Limits(tenant string) *v1alpha1.GPULimits { return o.limits[tenant] }

func (o *Objects) addLedger(name string, source []byte) error {
	ledger := &v1alpha1.QuotaLedger{}
	if err := decode(source, ledger); err != nil {
		return err
	}
	o.ledgers[name] = ledger
	return nil
}
