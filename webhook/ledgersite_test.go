package webhook_test

import (
	"encoding/json"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	admissionv1 "k8s.io/api/admission/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/jsondoc"
)

// room is a policy that refuses what the ledger has no room for, with a text that
// says on which state it was decided.
var room = policy("room", `deny contains {"check": "room", "msg": "unlucky"} if input.request.object.metadata.labels.unlucky

deny_reservation contains {"check": "room", "msg": msg} if {
	held := input.quota.used.units + input.quota.reserved.units
	held + input.quota.request.units > input.quota.hard.units
	msg := sprintf("asks for %d, %d of %d are held", [input.quota.request.units, held, input.quota.hard.units])
}`)

// tenantA has the namespace team, and no parameters but the defaults.
const tenantA = `
{apiVersion: v1, kind: Namespace, metadata: {name: team, labels: {tenant: a}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: poor, labels: {tenant: poor}}}
---
{apiVersion: v1, kind: Namespace, metadata: {name: nobodys}}
---
{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: a}, spec: {gpu: {perTenant: "4"}}}
---
{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: poor}, spec: {}}
`

// withLedger serves the policy room, and what else is given, on a ledger.
func withLedger(t *testing.T, ledger *memoryLedger, config string, others ...string) *served {
	t.Helper()
	policies := map[string]string{"room": room}
	for i := 0; i < len(others); i += 2 {
		policies[others[i]] = others[i+1]
	}
	return site{policies: policies, objects: tenantA, config: config, ledger: ledger}.start(t)
}

// gpuPod is a pod that asks for so many GPUs.
func gpuPod(name string, n any) fields {
	return fields{
		"apiVersion": "v1", "kind": "Pod",
		"metadata": fields{"name": name, "namespace": "team", "labels": fields{"app": "train"}},
		"spec":     containers(fields{"name": "main", "resources": fields{"limits": fields{"cpu": "1", "nvidia.com/gpu": n}}}),
	}
}

// podOf is the ledger's entry of such a pod.
func podOf(name string, n int64) v1alpha1.LedgerEntry {
	return v1alpha1.LedgerEntry{Kind: "Pod", Namespace: "team", Name: name, MicroUnits: gpus(n), Resources: map[string]int64{"nvidia.com/gpu": n}}
}

func diffEntries(want, got []v1alpha1.LedgerEntry) string {
	return cmp.Diff(want, got, cmpopts.EquateEmpty())
}

// mutated has an object mutated as the API server would.
func (s *served) mutated(t testing.TB, object, request fields) fields {
	t.Helper()
	raw, err := json.Marshal(object)
	must(t, err)
	response := s.review(t, "/mutate", reviewBody(t, object["apiVersion"].(string), object["kind"].(string), object, request))
	if !response.Allowed {
		t.Fatalf("refused by /mutate: %s", response.Result.Message)
	}
	if response.Patch != nil {
		patch, err := jsonpatch.DecodePatch(response.Patch)
		must(t, err)
		raw, err = patch.Apply(raw)
		must(t, err)
	}
	out, err := jsondoc.Object(raw)
	must(t, err)
	return out
}

func (s *served) validated(t testing.TB, object, request fields) *admissionv1.AdmissionResponse {
	t.Helper()
	return s.review(t, "/validate", reviewBody(t, object["apiVersion"].(string), object["kind"].(string), object, request))
}

// create creates an object as the API server would.
func (s *served) create(t testing.TB, object, request fields) *admissionv1.AdmissionResponse {
	t.Helper()
	return s.validated(t, s.mutated(t, object, request), request)
}

func labelOf(object fields) string {
	metadata, _ := object["metadata"].(fields)
	labels, _ := metadata["labels"].(fields)
	label, _ := labels[v1alpha1.ReservationLabel].(string)
	return label
}

func messageOf(r *admissionv1.AdmissionResponse) string {
	if r.Allowed {
		return "allowed"
	}
	return r.Result.Message
}
