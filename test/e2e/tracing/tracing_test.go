package tracing

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"usher.dev/usher/internal/tracing/collector"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/controller"
	"usher.dev/usher/test/e2e/installation"
)

// patience is how long spans may take on a busy machine: each process sends what it
// has every five seconds.
const patience = time.Minute

// everyRequest is the API server's configuration: it records the trace of every
// request, and calls webhooks as part of it.
const everyRequest = `
apiVersion: apiserver.config.k8s.io/v1
kind: TracingConfiguration
endpoint: %s
samplingRatePerMillion: 1000000
`

const tenant = `
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: traced}
spec:
  gpu: {perTenant: "4"}
---
apiVersion: v1
kind: Namespace
metadata: {name: traced, labels: {tenant: traced}}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: default, namespace: traced}
`

// secret is what no span may tell.
const secret = "hunter2-do-not-tell"

const pod = `
apiVersion: v1
kind: Pod
metadata: {name: train, namespace: traced}
spec:
  automountServiceAccountToken: false
  containers:
  - name: train
    image: train:1
    env: [{name: PASSWORD, value: ` + secret + `}]
    resources:
      requests: {cpu: 100m, memory: 64Mi}
      limits: {cpu: 100m, memory: 64Mi, nvidia.com/gpu: "2"}
    securityContext:
      allowPrivilegeEscalation: false
      runAsNonRoot: true
      seccompProfile: {type: RuntimeDefault}
      capabilities: {drop: [ALL]}
`

func TestATraceLeadsFromTheAPIServerToTheLedger(t *testing.T) {
	t.Log("tree", os.Getenv("USHER_TREE")) // the result depends on what usher is built from
	c := collector.Start(t)
	folder := t.TempDir()
	configuration := filepath.Join(folder, "tracing.yaml")
	must(t, os.WriteFile(configuration, fmt.Appendf(nil, everyRequest, c.Address), 0o600))
	usher, err := installation.Start(t.Context(), installation.Options{
		Folder: folder, Webhooks: 1, Controllers: 1,
		APIServer: []string{"--tracing-config-file=" + configuration},
		// What the API server asks is recorded since it says so; what the controller
		// does of itself, by this.
		Usher: []string{"--otlp-endpoint=" + c.Address, "--otlp-sampling-per-million=1000000"},
	})
	must(t, err)
	t.Cleanup(usher.Release)
	await.Success(t, patience, "a leader", func() (*installation.Unit, error) { return usher.Leader(t.Context()) })
	must(t, usher.ApplyYAML(t.Context(), tenant))
	must(t, controller.WaitCounted(t.Context(), usher.ControlPlane, "traced"))
	must(t, usher.ApplyYAML(t.Context(), pod))

	spans := await.Success(t, patience, "the trace from the API server to the ledger", func() (map[string]collector.Span, error) {
		return wholeTrace(c.Spans(), "usher-webhook", "ledger write")
	})
	var names []string
	for _, span := range spans {
		if span.Service == "usher-webhook" {
			names = append(names, span.Name)
		}
		if span.Service != "apiserver" && strings.Contains(fmt.Sprint(span), secret) {
			t.Errorf("a span tells what is in the pod: %+v", span)
		}
	}
	for _, want := range []string{"review mutate", "review validate", "decode", "look up", "policy", "reserve", "ledger read", "ledger write"} {
		if !slices.Contains(names, want) {
			t.Errorf("no span %q in the trace: %q", want, names)
		}
	}
	for _, span := range spans {
		if span.Name == "reserve" && (span.Attributes["usher.outcome"] != "reserved" || span.Attributes["usher.tenant"] != "traced") {
			t.Errorf("the reservation's span says %v", span.Attributes)
		}
	}
	expectInLog(t, filepath.Join(folder, "usher-webhook-1", "usher-webhook.log"), c.Named("review validate"))

	// The settlement is a trace of its own.
	await.Success(t, patience, "the trace of a settlement", func() (collector.Span, error) {
		for _, settled := range c.Named("ledger write") {
			if settled.Service != "usher-controller" {
				continue
			}
			for _, round := range c.Named("settle") {
				if round.ID == settled.Parent && round.Trace == settled.Trace && round.Attributes["usher.tenant"] == "traced" {
					return round, nil
				}
			}
		}
		return collector.Span{}, errors.New("no span of a settlement with its write")
	})
	if len(c.Named("reconcile tenant")) == 0 {
		t.Error("no span of a Tenant's reconciliation")
	}
}

// wholeTrace returns the spans of the trace of a span that leads back to the API
// server, by ID.
func wholeTrace(all []collector.Span, service, name string) (map[string]collector.Span, error) {
	byID := map[string]collector.Span{}
	for _, span := range all {
		byID[span.ID] = span
	}
	problem := fmt.Errorf("no span %q of %s", name, service)
	for _, of := range all {
		if of.Service != service || of.Name != name {
			continue
		}
		path := []string{}
		root := of
		for root.Parent != "" {
			path = append(path, root.Service+" "+root.Name)
			above, ok := byID[root.Parent]
			if !ok {
				break
			}
			root = above
		}
		if root.Parent != "" || root.Service != "apiserver" || root.Trace != of.Trace {
			problem = fmt.Errorf("%q ends at %+v", path, root)
			continue
		}
		maps.DeleteFunc(byID, func(_ string, s collector.Span) bool { return s.Trace != of.Trace })
		return byID, nil
	}
	return nil, problem
}

// expectInLog finds the traces of reviews in the webhook's log, which samples what
// it allows.
func expectInLog(t *testing.T, path string, reviews []collector.Span) {
	t.Helper()
	log, err := os.ReadFile(path)
	must(t, err)
	for line := range strings.Lines(string(log)) {
		var decision struct{ Msg, Trace string }
		if json.Unmarshal([]byte(line), &decision) != nil || decision.Msg != "decision" {
			continue
		}
		if !slices.ContainsFunc(reviews, func(s collector.Span) bool { return s.Trace == decision.Trace }) {
			t.Errorf("a decision of no trace: %s", line)
		}
		return
	}
	t.Errorf("the log has no decision:\n%s", log)
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
