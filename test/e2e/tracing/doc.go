// Package tracing tests that a request's trace leads from a real kube-apiserver
// through usher to the ledger and back.
package tracing
