// Package ledgercheck holds every version of a tenant's ledger against the pods
// and claims that are there at the same etcd revision, and says which promise was
// broken where. It knows nothing of how usher works.
package ledgercheck
