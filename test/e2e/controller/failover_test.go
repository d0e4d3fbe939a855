package controller_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"

	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/controller"
)

// TestTheOtherReplicaTakesOver lets leaders die and end, and asks of each leader
// all that a Tenant needs. As the replicas run as the controller's service
// account, it shows as well that its rights suffice.
func TestTheOtherReplicaTakesOver(t *testing.T) {
	c := start(t)
	c.kubernetes(t, "resourcequota-controller", "namespace-controller", "garbage-collector-controller")
	first, second := c.leader(t)
	c.serves(t, "first")
	metrics, err := first.Get(t.Context(), "/metrics")
	must(t, err)
	for _, want := range []string{
		`usher_tenant_gpu_units{state="limit",tenant="first"} 8`,
		`leader_election_master_status{name="usher-controller"} 1`,
		`controller_runtime_reconcile_total{controller="ledger",result="success"}`,
		"process_resident_memory_bytes ",
	} {
		if !strings.Contains(metrics, "\n"+want) {
			t.Errorf("the metrics lack %s", want)
		}
	}
	if leads, err := second.Leads(t.Context()); err != nil || leads {
		t.Fatalf("the standby leads: %t, %v", leads, err)
	}

	first.Kill()
	second, first = c.leader(t) // once the lease of the dead one has run out
	c.serves(t, "second")
	must(t, first.Start(t.Context()))
	if leads, err := first.Leads(t.Context()); err != nil || leads {
		t.Fatalf("the one that was started again leads beside the other: %t, %v", leads, err)
	}

	// One that ends in order gives the lease back.
	must(t, first.Stop(t.Context()))
	must(t, second.Stop(t.Context()))
	holder, _, err := c.Kubectl(t.Context(), "", "get", "lease", "-n", controller.Namespace, controller.Name, "-o", "jsonpath={.spec.holderIdentity}")
	if err != nil || holder != "" {
		t.Errorf("the lease is held by %q: %v", holder, err)
	}
	must(t, first.Start(t.Context()))
	if leader, _ := c.leader(t); leader != first {
		t.Error("the wrong one leads")
	}
	c.serves(t, "third")

	for _, name := range []string{"first", "second", "third"} {
		_, _, err := c.Kubectl(t.Context(), "", "delete", "tenant", name, "--timeout=60s")
		must(t, err)
	}
	if refused := c.refused(t); len(refused) > 0 {
		t.Errorf("the controller was refused:\n%s", strings.Join(refused, "\n"))
	}
	for _, r := range c.replicas {
		log, err := r.Log()
		must(t, err)
		for line := range bytes.Lines(log) {
			if bytes.Contains(line, []byte("forbidden")) {
				t.Errorf("in the log: %s", line)
			}
		}
	}
}

// serves makes a Tenant of everything and waits until the leader has done what it
// asks for.
func (c *cluster) serves(t *testing.T, tenant string) {
	t.Helper()
	must(t, c.ApplyYAML(t.Context(), fmt.Sprintf(`
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: %[1]s}
spec:
  owners:
    - {kind: User, name: ada, role: Admin}
    - {kind: Group, name: %[1]s-developers, role: Developer}
  namespaces: [%[1]s-a, %[1]s-b]
  deletionPolicy: Delete
  podSecurity: {enforce: baseline}
  gpu: {perTenant: 8, perNamespace: 4, caps: {nvidia.com/mig-3g.20gb: 2}}
  quota: {pods: 10, requests.cpu: 20}
  resourceQuota: {hard: {services: 5}}
  limitRange: {limits: [{type: Container, default: {cpu: 100m, memory: 64Mi}}]}
  network: {scope: Tenant, egress: [{cidr: 0.0.0.0/0}]}
`, tenant)))
	await.Success(t, patience, "the ledger of "+tenant+" counted", func() (struct{}, error) {
		return struct{}{}, c.has("counted", "quotaledger", tenant, "-o", "jsonpath={.status.counted}")(t)
	})
	for _, namespace := range []string{tenant + "-a", tenant + "-b"} {
		for _, kind := range []string{"resourcequota", "limitrange", "networkpolicy", "rolebinding"} {
			await.Success(t, patience, kind+" in "+namespace, func() (struct{}, error) {
				return struct{}{}, c.has(kind, kind, "-n", namespace, "-o", "name")(t)
			})
		}
	}
	await.Success(t, patience, "the status of "+tenant, func() (struct{}, error) {
		return struct{}{}, c.has("namespaces", "tenant", tenant, "-o", "jsonpath={.status.namespaces[1].name}")(t)
	})
}

// has is an error while kubectl gets nothing.
func (c *cluster) has(what string, arguments ...string) func(t *testing.T) error {
	return func(t *testing.T) error {
		t.Helper()
		got, _, err := c.Kubectl(t.Context(), "", append([]string{"get"}, arguments...)...)
		if err == nil && got == "" {
			err = errors.New("no " + what + " yet")
		}
		return err
	}
}

// refused are the writes of the controller that the API server forbade.
func (c *cluster) refused(t *testing.T) []string {
	t.Helper()
	log, err := c.AuditLog()
	must(t, err)
	var refused []string
	writes := 0
	for line := range bytes.Lines(log) {
		var event struct {
			User           struct{ Username string }
			Verb           string
			RequestURI     string
			ResponseStatus struct {
				Code   int32
				Reason string
			}
		}
		must(t, json.Unmarshal(line, &event))
		if event.User.Username != "system:serviceaccount:"+controller.Namespace+":"+controller.Name {
			continue
		}
		writes++
		if event.ResponseStatus.Code == apierrors.NewForbidden(ledgers.GroupResource(), "", nil).ErrStatus.Code {
			refused = append(refused, event.Verb+" "+event.RequestURI)
		}
	}
	if writes == 0 {
		t.Error("the controller wrote nothing")
	}
	return refused
}
