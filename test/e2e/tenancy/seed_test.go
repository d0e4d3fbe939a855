package tenancy

import (
	"testing"

	"usher.dev/usher/tenancy"
)

func TestTheSeed(t *testing.T) {
	if err := shared.ApplyYAML(t.Context(), string(file(t, "testdata", "objects", "tenants.yaml"))); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shared.sweep(t, "tenant-a"); shared.sweep(t, "tenant-b") })
	shared.run(t, tenancy.Options{})
	shared.awaitReady(t, "tenant-a", "tenant-b")
	out, _, err := shared.Kubectl(t.Context(), "", "get", "tenants,ns,resourcequota,limitrange,networkpolicy,rolebinding", "-A", "-o", "wide", "--show-labels")
	t.Log(out, err)
	out, _, err = shared.Kubectl(t.Context(), "", "get", "tenants,resourcequota,limitrange,networkpolicy", "-A", "-o", "yaml")
	t.Log(out, err)
}
