package webhook_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	jsonpatch "github.com/evanphx/json-patch/v5"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	admissionv1 "k8s.io/api/admission/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/cluster"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/jsondoc"
	"usher.dev/usher/internal/verdict"
	shipped "usher.dev/usher/policies"
	"usher.dev/usher/quota"
	"usher.dev/usher/webhook"
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
	if diff := cmp.Diff(map[string]string{"decision": "allowed", "reservation": id, "reserved-gpus": "2"}, response.AuditAnnotations); diff != "" {
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

func TestWhatAsksForNoGPUsMeetsNoLedger(t *testing.T) {
	ledger := ledgerOf(0)
	s := withLedger(t, ledger, "")
	pod := func(namespace string, limits fields) fields {
		return fields{
			"apiVersion": "v1", "kind": "Pod", "metadata": fields{"name": "web", "namespace": namespace},
			"spec": containers(fields{"name": "web", "resources": fields{"limits": limits}}),
		}
	}
	for name, tt := range map[string]struct {
		object  fields
		request fields
		stamped bool
	}{
		"no resources":                           {pod("team", nil), nil, false},
		"CPU":                                    {pod("team", fields{"cpu": "1", "memory": "1Gi", "hugepages-2Mi": "2Mi"}), nil, false},
		"another extended resource":              {pod("team", fields{"example.com/dongle": "1"}), nil, false},
		"none of a GPU":                          {pod("team", fields{"nvidia.com/gpu": "0"}), nil, true},
		"a GPU where there is no tenant":         {pod("nobodys", fields{"nvidia.com/gpu": "1"}), fields{"namespace": "nobodys"}, false},
		"a GPU of a tenant that is granted none": {pod("poor", fields{"nvidia.com/gpu": "1"}), fields{"namespace": "poor"}, true},
		"a GPU in an exempt namespace":           {pod("kube-system", fields{"nvidia.com/gpu": "1"}), fields{"namespace": "kube-system"}, false},
	} {
		t.Run(name, func(t *testing.T) {
			sent := s.mutated(t, tt.object, tt.request)
			if (labelOf(sent) != "") != tt.stamped {
				t.Errorf("the label is %q", labelOf(sent))
			}
			if response := s.validated(t, sent, tt.request); !response.Allowed || response.AuditAnnotations["reservation"] != "" {
				t.Errorf("%s, %v", messageOf(response), response.AuditAnnotations)
			}
		})
	}
	if asked := ledger.takeAsked(); len(asked) > 0 {
		t.Errorf("the ledger was asked %+v", asked)
	}
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

func TestALabelOfOnesOwnIsWrittenOver(t *testing.T) {
	ledger := ledgerOf(gpus(4))
	s := withLedger(t, ledger, "")
	forged := fields{"app": "train", v1alpha1.ReservationLabel: "forged"}
	pod := gpuPod("train", "1")
	pod["metadata"].(fields)["labels"] = forged
	if got := labelOf(s.mutated(t, pod, nil)); got == "forged" || got == "" {
		t.Errorf("the label of a pod with GPUs is %q", got)
	}
	pod["spec"] = containers(container("web"))
	sent := s.mutated(t, pod, nil)
	if diff := cmp.Diff(fields{"app": "train"}, sent["metadata"].(fields)["labels"]); diff != "" {
		t.Error("labels of a pod without GPUs (-want +got):\n" + diff)
	}
	// What /mutate did not see.
	for name, tt := range map[string]struct {
		object fields
		want   string
	}{
		"a forged label without GPUs": {pod, "[usher/reservation]"},
		"GPUs without a label":        {gpuPod("train", "1"), "which usher's mutating webhook writes"},
	} {
		response := s.validated(t, tt.object, nil)
		if message := messageOf(response); !strings.Contains(message, tt.want) || response.Result == nil || response.Result.Code != http.StatusForbidden {
			t.Errorf("%s: %s", name, message)
		}
	}
	ledger.expectReserved(t)
}

// TestThePoliciesPatchComesFirst has a policy replace the labels, or all of the
// metadata: the stamp goes over what is there then.
func TestThePoliciesPatchComesFirst(t *testing.T) {
	for name, op := range map[string]string{
		"labels written":     `{"op": "add", "path": "/metadata/labels", "value": {"a/b~c": "d", "usher.dev/reservation": "policy"}}`,
		"labels taken away":  `{"op": "remove", "path": "/metadata/labels"}`,
		"metadata written":   `{"op": "add", "path": "/metadata", "value": {"name": "train"}}`,
		"a GPU put in":       `{"op": "add", "path": "/spec/containers/0/resources/limits/nvidia.com~1mig-1g.10gb", "value": "1"}`,
		"all GPUs taken out": `{"op": "remove", "path": "/spec/containers/0/resources"}`,
	} {
		t.Run(name, func(t *testing.T) {
			s := withLedger(t, ledgerOf(gpus(4)), "", "patches", policy("patches", "patch contains "+op))
			pod := gpuPod("train", "1")
			pod["metadata"].(fields)["labels"] = fields{"app": "train", v1alpha1.ReservationLabel: "mine"}
			got := labelOf(s.mutated(t, pod, nil))
			if (got != "") == strings.HasSuffix(name, "taken out") || got == "mine" || got == "policy" {
				t.Errorf("the label is %q", got)
			}
		})
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

// TestATenantsOwnParametersCount changes them while the webhook runs.
func TestATenantsOwnParametersCount(t *testing.T) {
	ledger := ledgerOf(gpus(4))
	tenant := func(parameters any) fields {
		return fields{"kind": "Tenant", "metadata": fields{"name": "a"}, "spec": fields{"gpu": fields{}, "parameters": fields{"gpu_quota": parameters}}}
	}
	held := fakeCluster{namespaces: maps.Clone(team.namespaces), tenants: map[string]map[string]any{}}
	r := reviewerWith(t, compile(t, "", map[string]string{"room": room}), held, ledger, "")
	for _, tt := range []struct {
		parameters fields
		want       int64
	}{
		{fields{}, gpus(1)},
		{fields{"weights": fields{"nvidia.com/gpu": "1/2"}}, gpus(1) / 2},
		{fields{"weights": fields{"nvidia.com/gpu": "3"}}, gpus(3)},
	} {
		held.tenants["a"] = tenant(tt.parameters)
		for range 2 {
			pod := gpuPod("train", "1")
			pod["metadata"].(fields)["labels"] = fields{v1alpha1.ReservationLabel: "r1"}
			if out, err := validate(t, r, reviewBody(t, "v1", "Pod", pod, nil)); err != nil || !out.Allowed() {
				t.Fatalf("%v, %v", out, err)
			}
			if got := ledger.reservations(); len(got) != 1 || got[0].MicroUnits != tt.want {
				t.Errorf("%v: reserved %+v, want %d", tt.parameters, got, tt.want)
			}
		}
	}
	held.tenants["a"] = tenant("no parameters")
	if _, err := validate(t, r, reviewBody(t, "v1", "Pod", gpuPod("train", "1"), nil)); err == nil || !strings.Contains(err.Error(), `read the GPU weights of tenant "a"`) {
		t.Error("parameters that cannot be read:", err)
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
