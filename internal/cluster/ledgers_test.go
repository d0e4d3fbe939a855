package cluster_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/cluster"
)

func TestLedgersAndLimitsOfTenantsStandInFiles(t *testing.T) {
	o := objects(t, `
apiVersion: usher.dev/v1alpha1
kind: QuotaLedger
metadata: {name: a}
status:
  holders: [Pod team/train 1000000]
---
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: a}
spec: {gpu: {caps: {nvidia.com/gpu: 8}}}
---
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: poor}
`)
	want := []v1alpha1.LedgerEntry{{Kind: "Pod", Namespace: "team", Name: "train", MicroUnits: 1_000_000}}
	if diff := cmp.Diff(want, o.Ledger("a").Status.Holders); diff != "" {
		t.Error("holders (-want +got):\n" + diff)
	}
	if diff := cmp.Diff(&v1alpha1.GPULimits{Caps: map[string]int64{"nvidia.com/gpu": 8}}, o.Limits("a")); diff != "" {
		t.Error("limits (-want +got):\n" + diff)
	}
	if o.Limits("poor") != nil || o.Limits("nobody") != nil || o.Ledger("nobody") != nil {
		t.Error("there are limits or ledgers in no file")
	}
}

func TestLedgersAreReadStrictly(t *testing.T) {
	for yaml, want := range map[string]string{
		"apiVersion: usher.dev/v1alpha1\nkind: QuotaLedger\nmetadata: {name: a}\nstatus: {holder: []}": `QuotaLedger a: unknown field "status.holder"`,
		"apiVersion: usher.dev/v1alpha1\nkind: QuotaLedger":                                            "a QuotaLedger has no metadata.name",
	} {
		if err := cluster.NewObjects().AddYAML([]byte(yaml)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
}
