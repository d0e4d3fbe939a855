package webhook_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"usher.dev/usher/quota"
)

func TestAPolicyThatGivesNoVerdictOnAReservationDenies(t *testing.T) {
	ledger := ledgerOf(gpus(4))
	s := withLedger(t, ledger, "", "broken", policy("broken", `deny_reservation contains {"check": "undeclared", "msg": "x"} if input.quota

deny contains {"check": "broken", "msg": "x"} if false`))
	if message := messageOf(s.create(t, gpuPod("train", "1"), nil)); !strings.Contains(message, "the policy gave no verdict") {
		t.Error(message)
	}
	ledger.expectReserved(t)
}

func TestOnlyTheLastDecisionCounts(t *testing.T) {
	full := ledgerOf(gpus(4), podOf("old", 4))
	empty := ledgerOf(gpus(4))
	for name, tt := range map[string]struct {
		ledger *memoryLedger
		before *memoryLedger
		want   string
	}{
		"refused first": {empty, full, "allowed"},
		"refused last":  {full, empty, "1 violation:\n  asks for 1000000, 4000000 of 4000000 are held [room/room]"},
	} {
		t.Run(name, func(t *testing.T) {
			tt.ledger.rehearsals, tt.ledger.rehearse = 3, tt.before.ledgers["a"]
			defer func() { tt.ledger.rehearsals = 0 }()
			response := withLedger(t, tt.ledger, "").create(t, gpuPod("train", "1"), nil)
			if messageOf(response) != tt.want || len(response.Warnings) > 0 {
				t.Errorf("%s, warnings %q", messageOf(response), response.Warnings)
			}
		})
	}
}

func TestALedgerThatFailsAdmitsNothing(t *testing.T) {
	for name, tt := range map[string]struct {
		err  error
		code int32
		want string
	}{
		"not counted": {quota.ErrNotCounted, 500, `the ledger of tenant "a" is being counted; try again`},
		"away":        {errors.New("connection refused at 10.0.0.1"), 500, `usher could not reserve GPUs in the ledger of tenant "a"; try again, or ask the platform team to look for request u1 in usher's log`},
		"late":        {context.DeadlineExceeded, 500, `usher could not reserve GPUs in the ledger of tenant "a"; try again, or ask the platform team to look for request u1 in usher's log`},
		"spent":       {quota.ErrSpent, 403, "1 violation:\n  metadata.labels[usher.dev/reservation]: " + quota.ErrSpent.Error() + " [usher/reservation]"},
		"full":        {&quota.FullError{What: "pods", Limit: 3}, 403, "1 violation:\n  the tenant's ledger is full: it holds at most 3 pods"},
	} {
		t.Run(name, func(t *testing.T) {
			ledger := ledgerOf(gpus(4))
			ledger.err = tt.err
			s := withLedger(t, ledger, "")
			response := s.create(t, gpuPod("train", "1"), nil)
			if response.Allowed || response.Result.Code != tt.code || !strings.HasPrefix(response.Result.Message, tt.want) {
				t.Fatalf("%+v", response.Result)
			}
			retry := response.Result.Details != nil && response.Result.Details.RetryAfterSeconds > 0
			if retry != (tt.code == 500) {
				t.Errorf("details %+v", response.Result.Details)
			}
			if logged := strings.Join(s.logs.all(), "\n"); tt.code == 500 && !strings.Contains(logged, tt.err.Error()) {
				t.Error("the log does not say why")
			}
		})
	}
}

// TestAClientThatGoesIsNotWaitedFor leaves a request whose ledger decides only
// afterwards: on nothing that is gone with the request.
func TestAClientThatGoesIsNotWaitedFor(t *testing.T) {
	waiting := &lateLedger{arrived: make(chan struct{}), decided: make(chan bool), proceed: make(chan struct{})}
	s := site{policies: map[string]string{"room": room}, objects: tenantA, ledger: waiting}.start(t)
	body := reviewBody(t, "v1", "Pod", s.mutated(t, gpuPod("train", "1"), nil), nil)
	ctx, leave := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, _, err := s.send(ctx, s.client, "/validate?timeout=30s", strings.NewReader(string(body)))
		left <- err
	}()
	<-waiting.arrived
	leave()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	eventually(t, 10*time.Second, "the review to end", func() bool {
		return strings.Contains(strings.Join(s.logs.all(), "\n"), "client gone before the verdict")
	})
	close(waiting.proceed)
	if <-waiting.decided {
		t.Error("a request whose client has gone was decided, and admitted")
	}
}

// lateLedger waits no longer than its request, and decides when it may proceed.
type lateLedger struct {
	arrived, proceed chan struct{}
	decided          chan bool
}

func (l *lateLedger) Document(context.Context, string, quota.Ask) (map[string]any, error) {
	return nil, nil
}

func (l *lateLedger) Reserve(ctx context.Context, _ string, ask quota.Ask, decide func(context.Context, map[string]any) bool) error {
	close(l.arrived)
	go func() {
		<-l.proceed
		l.decided <- decide(ctx, quota.Document(ledgerOf(gpus(8)).ledgers["a"], ask))
	}()
	<-ctx.Done()
	return ctx.Err()
}

// TestAmountsThatMakeNoSense sends what no API server lets through.
func TestAmountsThatMakeNoSense(t *testing.T) {
	ledger := ledgerOf(gpus(4))
	s := withLedger(t, ledger, "")
	for name, pod := range map[string]fields{
		"no quantity":      gpuPod("train", "many"),
		"a list":           gpuPod("train", []any{"1"}),
		"of another shape": {"apiVersion": "v1", "kind": "Pod", "metadata": fields{"name": "train"}, "spec": fields{"containers": []any{fields{"name": 1, "resources": fields{"limits": fields{"nvidia.com/gpu": "1"}}}}}},
	} {
		response := s.create(t, pod, nil)
		if message := messageOf(response); !strings.Contains(message, "spec: read the pod's spec: ") || !strings.HasSuffix(message, "[usher/malformed]") {
			t.Errorf("%s: %s", name, message)
		}
	}
	for _, huge := range []string{"9223372036854775807", "9223372036854", "1e30", "8E"} {
		if response := s.create(t, gpuPod("train", huge), nil); response.Allowed {
			t.Errorf("%s GPUs are admitted", huge)
		}
	}
	many := gpuPod("train", "9223372036854775807")
	many["spec"] = containers(many["spec"].(fields)["containers"].([]any)[0], many["spec"].(fields)["containers"].([]any)[0])
	if response := s.create(t, many, nil); response.Allowed {
		t.Error("twice as many are admitted")
	}
	ledger.expectReserved(t)
}
