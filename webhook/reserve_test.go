package webhook_test

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/cluster"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/verdict"
	shipped "usher.dev/usher/policies"
	"usher.dev/usher/quota"
	"usher.dev/usher/webhook"
)

func TestAPodReservesWhatItHolds(t *testing.T) {
	ledger := ledgerOf(gpus(4))
	s := withLedger(t, ledger, "")
	sent := s.mutated(t, gpuPod("train", "2"), nil)
	response := s.validated(t, sent, nil)
	if !response.Allowed {
		t.Fatal(response.Result.Message)
	}
	ledger.expectReserved(t, podOf("train", 2))
	id := ledger.reservations()[0].Reservation
	if len(id) < 26 || id != labelOf(sent) {
		t.Errorf("reserved as %q, the pod's label says %q", id, labelOf(sent))
	}
	delete(response.AuditAnnotations, "policies")
	if diff := cmp.Diff(map[string]string{
		"decision": "allowed", "tenant": "a", "modes": "enforce: room", "reservation": id, "reserved-gpus": "2",
	}, response.AuditAnnotations); diff != "" {
		t.Error("audit annotations (-want +got):\n" + diff)
	}

	generated := gpuPod("", "1")
	generated["metadata"] = fields{"generateName": "job-", "namespace": "team"}
	if response := s.create(t, generated, nil); !response.Allowed {
		t.Error(response.Result.Message)
	}
	response = s.create(t, gpuPod("more", "2"), nil)
	if want := "1 violation:\n  asks for 2000000, 3000000 of 4000000 are held [room/room]"; messageOf(response) != want || response.Result.Code != http.StatusForbidden {
		t.Errorf("beyond the limit: %s, want %s", messageOf(response), want)
	}
	if _, ok := response.AuditAnnotations["reservation"]; ok {
		t.Error("a denial is annotated with a reservation")
	}
	ledger.expectReserved(t, podOf("train", 2), podOf("job-", 1))
}

func TestAReservationIsMadeOnce(t *testing.T) {
	ledger := ledgerOf(gpus(4))
	s := withLedger(t, ledger, "")
	first := s.mutated(t, gpuPod("train", "4"), nil)
	again := s.mutated(t, first, nil)
	if labelOf(first) == labelOf(again) {
		t.Error("an invocation of /mutate gives the ID of the one before")
	}
	// The API server asks again, with another generated name.
	for _, name := range []string{"train-x", "train-y"} {
		again["metadata"].(fields)["name"] = name
		if response := s.validated(t, again, nil); !response.Allowed {
			t.Error(response.Result.Message)
		}
	}
	ledger.expectReserved(t, podOf("train-y", 4))
	if got := ledger.reservations()[0].Reservation; got != labelOf(again) {
		t.Errorf("reserved as %q, not as %q", got, labelOf(again))
	}
}

func TestADryRunIsToldAndReservesNothing(t *testing.T) {
	ledger := ledgerOf(gpus(4), podOf("old", 2))
	s := withLedger(t, ledger, "")
	dry := fields{"dryRun": true}
	if sent := s.mutated(t, gpuPod("train", "2"), dry); labelOf(sent) == "" {
		t.Error("a dry run bears no label")
	}
	response := s.create(t, gpuPod("train", "2"), dry)
	if !response.Allowed || response.AuditAnnotations["reservation"] != "" {
		t.Errorf("within the limit: %s, %v", messageOf(response), response.AuditAnnotations)
	}
	if message := messageOf(s.create(t, gpuPod("train", "3"), dry)); !strings.Contains(message, "asks for 3000000, 2000000 of 4000000 are held") {
		t.Errorf("beyond the limit: %s", message)
	}
	ledger.expectReserved(t)
	delete(ledger.ledgers, "a")
	if message := messageOf(s.create(t, gpuPod("train", "2"), dry)); message != `the ledger of tenant "a" is being counted; try again` {
		t.Errorf("without a ledger: %s", message)
	}
}

func TestADenialOfAnotherPolicyReservesNothingAndSaysAll(t *testing.T) {
	ledger := ledgerOf(gpus(4))
	s := withLedger(t, ledger, "", "host_network", hostNetwork)
	pod := gpuPod("train", "5")
	pod["spec"].(fields)["hostNetwork"] = true
	want := []string{"hostNetwork is true; leave it out [host_network/host_network]", "asks for 5000000, 0 of 4000000 are held [room/room]"}
	message := messageOf(s.create(t, pod, nil))
	for _, line := range want {
		if !strings.Contains(message, line) {
			t.Errorf("%q does not say %q", message, line)
		}
	}
	if message := messageOf(s.create(t, with(gpuPod("train", "1"), fields{"spec": pod["spec"]}), nil)); !strings.Contains(message, want[0]) {
		t.Error(message)
	}
	ledger.err = errors.New("the API server is away")
	if response := s.create(t, pod, nil); response.Result == nil || response.Result.Code != http.StatusForbidden || !strings.Contains(response.Result.Message, want[0]) {
		t.Errorf("without a ledger: %s", messageOf(response))
	}
	ledger.expectReserved(t)
}

// TestWhatIsNotEnforcedIsReservedAllTheSame fills the ledger beyond its limit.
func TestWhatIsNotEnforcedIsReservedAllTheSame(t *testing.T) {
	const line = "asks for 5000000, 0 of 4000000 are held [room/room]"
	for mode, want := range map[string]struct {
		warnings []string
		audited  string
	}{
		"warn": {[]string{line}, ""}, "audit": {nil, line}, "off": {nil, ""},
	} {
		t.Run(mode, func(t *testing.T) {
			ledger := ledgerOf(gpus(4))
			s := withLedger(t, ledger, fmt.Sprintf("policies: {room: {mode: %q}}", mode))
			response := s.create(t, gpuPod("train", "5"), nil)
			if !response.Allowed || !cmp.Equal(want.warnings, response.Warnings) || response.AuditAnnotations["audited"] != want.audited {
				t.Errorf("%s, warnings %q, annotations %v", messageOf(response), response.Warnings, response.AuditAnnotations)
			}
			ledger.expectReserved(t, podOf("train", 5))
		})
	}
}

// TestTheShippedPoliciesDecideOnReservations fills a ledger with pods that every
// shipped policy admits, one after the other.
func TestTheShippedPoliciesDecideOnReservations(t *testing.T) {
	set, err := engine.Compile(config.Default(), shipped.FS)
	must(t, err)
	objects := cluster.NewObjects()
	must(t, objects.AddYAML([]byte(tenantA)))
	ledger := ledgerOf(gpus(4), podOf("notebook", 1))
	r := reviewerWith(t, set, objects, ledger, "")
	review := func(name string, n int) *webhook.Outcome {
		limits := fields{"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": fmt.Sprint(n)}
		pod := gpuPod(name, "")
		pod["spec"] = containers(fields{"name": "main", "image": "train:1", "resources": fields{"limits": limits, "requests": limits}})
		req, err := webhook.NewRequest(pod, nil, webhook.Offline{User: "jane"})
		must(t, err)
		out, err := r.Review(t.Context(), req, engine.Apply)
		must(t, err)
		return out
	}
	for i := range 3 {
		out := review(fmt.Sprint("train-", i), 1)
		if !out.Allowed() || out.Reserved == nil || out.Reserved.Units != quota.One {
			t.Fatalf("%s, reserved %+v", out.Message(), out.Reserved)
		}
		for _, op := range out.Patch {
			if strings.Contains(op.Path, "labels") {
				t.Errorf("a review shows the stamp among the policies' patch: %+v", op)
			}
		}
	}
	out := review("train-3", 1)
	want := []webhook.Finding{{
		Finding: verdict.Finding{
			Policy: "gpu_quota", Check: "tenant-units",
			Message: "1 GPU asked for, and of the tenant's 4 none is left: 1 held, 3 reserved for what was just admitted, most by team/notebook (1), team/train-0 (1), team/train-1 (1), team/train-2 (1); wait until others end, or delete what is not needed",
		},
		Mode: v1alpha1.ModeEnforce,
	}}
	if diff := cmp.Diff(want, out.Denied); diff != "" {
		t.Error("denied (-want +got):\n" + diff)
	}
	ledger.expectReserved(t, podOf("train-0", 1), podOf("train-1", 1), podOf("train-2", 1))
}
