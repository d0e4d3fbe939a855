package webhook_test

import (
	"strings"
	"testing"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/cluster"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/policies"
	"usher.dev/usher/quota"
)

// gpuClaim is a claim with such requests for devices.
func gpuClaim(apiVersion string, metadata fields, requests ...any) fields {
	return fields{
		"apiVersion": apiVersion, "kind": "ResourceClaim", "metadata": metadata,
		"spec": fields{"devices": fields{"requests": requests}},
	}
}

func exactly(device fields) fields { return fields{"name": "gpu", "exactly": device} }

// claimOf is the ledger's entry of a claim of devices of the class gpu.
func claimOf(name string, n int64) v1alpha1.LedgerEntry {
	return v1alpha1.LedgerEntry{
		Kind: "ResourceClaim", Namespace: "team", Name: name, MicroUnits: gpus(n),
		Resources: map[string]int64{"deviceclass.resource.kubernetes.io/gpu": n},
	}
}

func TestAClaimReservesTheMostThatItCouldBeGiven(t *testing.T) {
	class := fields{"deviceClassName": "gpu", "count": 2}
	for name, tt := range map[string]struct {
		apiVersion string
		requests   []any
		want       int64
	}{
		"exactly":                           {"resource.k8s.io/v1", []any{exactly(class)}, 2},
		"exactly in a beta":                 {"resource.k8s.io/v1beta2", []any{exactly(class)}, 2},
		"in the request, as v1beta1 has it": {"resource.k8s.io/v1beta1", []any{fields{"name": "gpu", "deviceClassName": "gpu", "count": 2}}, 2},
		"the dearest alternative": {"resource.k8s.io/v1", []any{fields{"name": "gpu", "firstAvailable": []any{
			fields{"name": "one", "deviceClassName": "gpu", "count": 1}, fields{"name": "three", "deviceClassName": "gpu", "count": 3},
		}}}, 3},
		"alternatives beside an empty class": {"resource.k8s.io/v1beta1", []any{fields{
			"name": "gpu", "deviceClassName": "", "firstAvailable": []any{fields{"name": "one", "deviceClassName": "gpu"}},
		}}, 1},
		"two requests": {"resource.k8s.io/v1", []any{exactly(class), exactly(fields{"deviceClassName": "gpu"})}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			ledger := ledgerOf(gpus(4))
			claim := gpuClaim(tt.apiVersion, fields{"name": "devices"}, tt.requests...)
			if response := withLedger(t, ledger, "").create(t, claim, nil); !response.Allowed {
				t.Fatal(response.Result.Message)
			}
			ledger.expectReserved(t, claimOf("devices", tt.want))
		})
	}
}

func TestAClaimBeyondTheLimitIsDenied(t *testing.T) {
	ledger := ledgerOf(gpus(4), podOf("old", 3))
	s := withLedger(t, ledger, "")
	claim := gpuClaim("resource.k8s.io/v1", fields{"name": "devices"}, exactly(fields{"deviceClassName": "gpu", "count": 2}))
	if message := messageOf(s.create(t, claim, nil)); !strings.Contains(message, "asks for 2000000, 3000000 of 4000000 are held") {
		t.Error(message)
	}
	claim["spec"] = fields{"devices": "all"}
	if message := messageOf(s.create(t, claim, nil)); !strings.Contains(message, "read the claim's spec: ") {
		t.Error(message)
	}
	ledger.expectReserved(t)
}

// TestAClaimForExtendedResources is made by a scheduler for a pod that reserved.
func TestAClaimForExtendedResources(t *testing.T) {
	annotated := fields{"name": "devices", "annotations": fields{"resource.kubernetes.io/extended-resource-claim": "true"}, "labels": fields{v1alpha1.ReservationLabel: "mine"}}
	plain := fields{"name": "devices"}
	by := func(name string, groups ...any) fields {
		return fields{"userInfo": fields{"username": name, "groups": groups}}
	}
	const configured = `policies: {gpu_quota: {parameters: {claim_writers: {users: [ann], groups: [schedulers]}}}}`
	for name, tt := range map[string]struct {
		config   string
		metadata fields
		request  fields
		charged  bool
	}{
		"a scheduler's":                        {"", annotated, by("system:kube-scheduler"), false},
		"a scheduler's without the note":       {"", plain, by("system:kube-scheduler"), true},
		"a user's":                             {"", annotated, by("jane", "system:authenticated"), true},
		"a configured user's":                  {configured, annotated, by("ann"), false},
		"a configured group's":                 {configured, annotated, by("bob", "x", "schedulers"), false},
		"a scheduler's that is not configured": {configured, annotated, by("system:kube-scheduler"), true},
	} {
		t.Run(name, func(t *testing.T) {
			ledger := ledgerOf(gpus(4))
			policies := map[string]string{"room": room, "gpu_quota": strings.Replace(policy("gpu_quota", "deny contains {\"check\": \"gpu_quota\", \"msg\": \"x\"} if false"),
				"package", "#   parameters:\n#     claim_writers:\n#       description: who\n#       default: null\npackage", 1)}
			s := site{policies: policies, objects: tenantA, config: tt.config, ledger: ledger}.start(t)
			sent := s.mutated(t, gpuClaim("resource.k8s.io/v1", tt.metadata, exactly(fields{"deviceClassName": "gpu"})), tt.request)
			if label := labelOf(sent); (label != "") != tt.charged || label == "mine" {
				t.Errorf("the label is %q", label)
			}
			if response := s.validated(t, sent, tt.request); !response.Allowed {
				t.Fatal(response.Result.Message)
			}
			if tt.charged {
				ledger.expectReserved(t, claimOf("devices", 1))
			} else {
				ledger.expectReserved(t)
			}
		})
	}
}

// TestTheLabelOfAClaimIsJudgedWhenItChanges asks the policy that keeps it.
func TestTheLabelOfAClaimIsJudgedWhenItChanges(t *testing.T) {
	cfg := config.Default()
	set, err := engine.Compile(cfg, policies.FS)
	must(t, err)
	objects := cluster.NewObjects()
	must(t, objects.AddYAML([]byte(tenantA)))
	r := reviewerWith(t, set, objects, quota.NewFixed(objects), "")
	claim := func(metadata fields) fields {
		return gpuClaim("resource.k8s.io/v1", metadata, exactly(fields{"deviceClassName": "gpu"}))
	}
	labelled := func(label string) fields {
		return fields{"name": "devices", "labels": fields{v1alpha1.ReservationLabel: label, "team": label}}
	}
	for name, tt := range map[string]struct {
		before, now fields
		want        string
		skipped     bool
	}{
		"changed":                     {labelled("r1"), labelled("r2"), "[gpu_quota/claim-metadata]", false},
		"taken away":                  {labelled("r1"), fields{"name": "devices"}, "[gpu_quota/claim-metadata]", false},
		"given":                       {fields{"name": "devices"}, labelled("r1"), "[gpu_quota/claim-metadata]", false},
		"kept, with an annotation":    {labelled("r1"), with(labelled("r1"), fields{"annotations": fields{"a": "b"}}), "", false},
		"kept, without a finalizer":   {with(labelled("r1"), fields{"finalizers": []any{"a"}}), labelled("r1"), "", true},
		"changed while it terminates": {with(labelled("r1"), fields{"deletionTimestamp": "2026-11-25T10:00:00Z"}), labelled("r2"), "", true},
	} {
		out, err := validate(t, r, reviewBody(t, "resource.k8s.io/v1", "ResourceClaim", claim(tt.now), fields{"operation": "UPDATE", "oldObject": claim(tt.before)}))
		must(t, err)
		if out.Allowed() != (tt.want == "") || !strings.Contains(out.Message(), tt.want) || tt.skipped != (out.Skipped != "") {
			t.Errorf("%s: %s, skipped: %q", name, out.Message(), out.Skipped)
		}
	}
}
