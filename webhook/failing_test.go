package webhook_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// judges makes a mutating policy one that judges as well: in modes warn and
// audit it judges the pod as it would be.
const judges = `deny contains {"check": input.pod.spec.hostPID, "msg": "x"}

`

// failing are policies that give no verdict, each in its own way, for pods
// with the label fail.
var failing = map[string]string{
	"loops": policy("loops", `deny contains {"check": "loops", "msg": "found"} if {
	input.pod.metadata.labels.fail
	some a in numbers.range(1, 10000)
	some b in numbers.range(1, 10000)
	some c in numbers.range(1, 10000)
	((a * b) * c) == -1
}`),
	"explodes": policy("explodes", `_sets contains s if {
	some n in numbers.range(1, 24)
	s := {x | some x in numbers.range(1, n)}
}

deny contains {"check": "explodes", "msg": "found"} if {
	input.pod.metadata.labels.fail
	some a in _sets
	some b in _sets
	some c in _sets
	some d in _sets
	some e in _sets
	some f in _sets
	count((((a | b) | c) | d) & (e | f)) == -1
}`),
	"patches_forever": policy("patches_forever", judges+`patch contains {"op": "add", "path": "/metadata/labels/a", "value": "b"} if {
	input.pod.metadata.labels.fail
	some a in numbers.range(1, 10000)
	some b in numbers.range(1, 10000)
	some c in numbers.range(1, 10000)
	((a * b) * c) == -1
}`),
	"panics": policy("panics", `deny contains {"check": "panics", "msg": sprintf("%d", [n])} if {
	input.pod.metadata.labels.fail
	n := bits.lsh(1, 4611686018427387904)
}`),
	"errs": policy("errs", `deny contains {"check": "errs", "msg": "x"} if to_number(input.pod.metadata.labels.fail) == 1`),
	"conflicts": policy("conflicts", `_team := "a" if input.pod.metadata.labels.fail

_team := "b" if input.pod.metadata.labels.fail == "yes"

deny contains {"check": "conflicts", "msg": _team} if _team`),
	"returns_text":   policy("returns_text", `deny contains "a violation" if input.pod.metadata.labels.fail`),
	"names_no_check": policy("names_no_check", `deny contains {"check": input.pod.metadata.labels.fail, "msg": "x"}`),
	"says_nothing":   policy("says_nothing", `deny contains {"check": "says_nothing"} if input.pod.metadata.labels.fail`),
	"says_more":      policy("says_more", `deny contains {"check": "says_more", "msg": "x", "severity": "high"} if input.pod.metadata.labels.fail`),
	"points_nowhere": policy("points_nowhere", `deny contains {"check": "points_nowhere", "msg": "x", "path": "spec.containers"} if input.pod.metadata.labels.fail`),
	"counts":         policy("counts", `warn contains {"check": "counts", "msg": 3} if input.pod.metadata.labels.fail`),
	"patches_badly":  policy("patches_badly", judges+`patch contains {"op": "replace", "path": "/spec/nothing/there", "value": 1} if input.pod.metadata.labels.fail`),
	"patches_text":   policy("patches_text", judges+`patch contains "add" if input.pod.metadata.labels.fail`),
}

func failReview(t testing.TB) []byte {
	t.Helper()
	return reviewBody(t, "v1", "Pod", fields{"metadata": fields{"labels": fields{"fail": "yes"}}, "spec": fields{"hostNetwork": true, "containers": []any{container("web")}}}, nil)
}

// noVerdict is what the user is told of a policy that failed.
func noVerdict(policy, how string) string {
	return fmt.Sprintf("the policy gave no verdict: it %s; try again, or ask the platform team to look for request u1 in usher's log [%s/error]", how, policy)
}

func TestAPolicyThatFailsFailsAlone(t *testing.T) {
	const violation = "spec.hostNetwork: hostNetwork is true; leave it out [host_network/host_network]"
	for _, name := range slices.Sorted(maps.Keys(failing)) {
		how := "failed"
		if name == "loops" || name == "explodes" || name == "patches_forever" {
			how = "ran out of time"
		}
		for _, mode := range []string{"enforce", "warn", "audit"} {
			t.Run(name+" in mode "+mode, func(t *testing.T) {
				t.Parallel()
				s := site{
					policies: map[string]string{name: failing[name], "host_network": hostNetwork},
					config:   "policies: {" + name + ": {mode: " + mode + "}}",
				}.start(t)
				path := "/validate?timeout=2s"
				mutates := strings.HasPrefix(name, "patches")
				if mutates && mode == "enforce" {
					path = "/mutate?timeout=2s" // what judges a mutating policy that is enforced
				}
				start := time.Now()
				got := s.review(t, path, failReview(t))
				// The API server gives up after 2 s. The rest is for a busy machine: a
				// policy that held its review up would do so for good.
				if took := time.Since(start); took > 12*time.Second {
					t.Errorf("answered after %s", took)
				}
				denials := []string{noVerdict(name, how), violation}
				warned, audited := "", ""
				switch mode {
				case "warn":
					denials, warned = denials[1:], noVerdict(name, how)
				case "audit":
					denials, audited = denials[1:], noVerdict(name, how)
				}
				if strings.HasPrefix(path, "/mutate") {
					denials = denials[:1]
				}
				message := fmt.Sprintf("%d violations:\n  %s", len(denials), strings.Join(denials, "\n  "))
				message = strings.Replace(message, "1 violations", "1 violation", 1)
				want := map[string]string{
					"message": message, "warned": warned, "audited": audited, "warnings": warned,
				}
				if diff := cmp.Diff(want, map[string]string{
					"message": got.Result.Message, "warned": got.AuditAnnotations["warned"], "audited": got.AuditAnnotations["audited"],
					"warnings": strings.Join(got.Warnings, "\n"),
				}); diff != "" {
					t.Error("verdict (-want +got):\n" + diff)
				}
				if !slices.ContainsFunc(s.logs.all(), func(line string) bool {
					return strings.Contains(line, "policy gave no verdict") && strings.Contains(line, name)
				}) {
					t.Error("not in the log:", s.logs.all())
				}
				// The policy is fine for another pod, and so is the server.
				if got := s.review(t, path, podReview(t, containers(container("web")))); !got.Allowed && name != "names_no_check" {
					t.Error("a clean pod is refused:", got.Result.Message)
				}
			})
		}
	}
}

func TestSeveralPoliciesThatFailLeaveTheOthersTheirTime(t *testing.T) {
	policies := maps.Clone(failing)
	policies["host_network"] = hostNetwork
	policies["adds_label"] = policy("adds_label", `patch contains {"op": "add", "path": "/metadata/labels/team", "value": "a"} if not input.pod.metadata.labels.team`)
	modes := make([]string, 0, len(failing))
	for name := range failing {
		modes = append(modes, name+": {mode: audit}")
	}
	s := site{policies: policies, config: "policies: {" + strings.Join(modes, ", ") + "}"}.start(t)
	got := s.review(t, "/validate?timeout=5s", failReview(t))
	const want = "1 violation:\n  spec.hostNetwork: hostNetwork is true; leave it out [host_network/host_network]"
	if got.Allowed || got.Result.Message != want {
		t.Errorf("allowed %v: %+v", got.Allowed, got.Result)
	}
	if n := strings.Count(got.AuditAnnotations["audited"], "gave no verdict"); n != len(failing) {
		t.Errorf("%d of %d failures in the audit note:\n%s", n, len(failing), got.AuditAnnotations["audited"])
	}
	if mutated := s.review(t, "/mutate?timeout=5s", failReview(t)); !mutated.Allowed || !strings.Contains(string(mutated.Patch), "/metadata/labels/team") {
		t.Errorf("not mutated: %+v", mutated)
	}
}

func TestAPolicyThatLoopsOnEveryTemplateLeavesTheOthersTheirTime(t *testing.T) {
	s := site{
		policies: map[string]string{"loops": failing["loops"], "host_network": hostNetwork},
		config:   "policies: {loops: {mode: audit}}\npodTemplates: [{group: example.com, kind: Job, paths: [spec.replicas.*.template]}]",
	}.start(t)
	replicas := fields{}
	for i := range 8 {
		replicas[fmt.Sprintf("r%d", i)] = fields{"template": fields{
			"metadata": fields{"labels": fields{"fail": "yes"}},
			"spec":     fields{"hostNetwork": i == 7, "containers": []any{container("web")}},
		}}
	}
	start := time.Now()
	got := s.review(t, "/validate?timeout=5s", reviewBody(t, "example.com/v1", "Job", fields{"spec": fields{"replicas": replicas}}, nil))
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("answered after %s", took)
	}
	const want = "1 violation:\n  spec.replicas.r7.template.spec.hostNetwork: hostNetwork is true; leave it out [host_network/host_network]"
	if got.Allowed || got.Result.Message != want {
		t.Errorf("allowed %v: %+v", got.Allowed, got.Result)
	}
	if n := strings.Count(got.AuditAnnotations["audited"], "ran out of time"); n != 8 {
		t.Errorf("%d failures in the audit note, want 8:\n%s", n, got.AuditAnnotations["audited"])
	}
}
