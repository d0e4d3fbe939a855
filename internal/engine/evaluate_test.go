package engine

import (
	"context"
	"errors"
	"os"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/topdown"
	"github.com/open-policy-agent/opa/v1/types"

	"usher.dev/usher/internal/verdict"
)

// hanging counts the calls of test.hang, which return when released is closed.
var (
	hanging  atomic.Int32
	released = make(chan struct{})
)

// TestMain adds builtins that misbehave to OPA: test.panic(x) panics, test.hang(x)
// does not return and does not look whether it should.
func TestMain(m *testing.M) {
	for name, call := range map[string]func(){
		"test.panic": func() { panic("the builtin is broken") },
		"test.hang": func() {
			hanging.Add(1)
			<-released
			hanging.Add(-1)
		},
	} {
		ast.RegisterBuiltin(&ast.Builtin{Name: name, Decl: types.NewFunction(types.Args(types.A), types.B)})
		topdown.RegisterBuiltinFunc(name, func(_ topdown.BuiltinContext, _ []*ast.Term, yield func(*ast.Term) error) error {
			call()
			return yield(ast.BooleanTerm(true))
		})
	}
	os.Exit(m.Run())
}

const simple = `deny contains {"check": "simple", "msg": "denied"} if input.pod.spec.hostNetwork == true`

var hostNetworkPod = podInput(nil, map[string]any{"hostNetwork": true})

func TestABuiltinThatPanicsFailsItsPolicyAlone(t *testing.T) {
	set := compiled(t, "", map[string]string{
		"panics": policyText("panics", `deny contains {"check": "panics", "msg": "x"} if test.panic(input.pod)`),
		"simple": policyText("simple", simple),
	})
	for range 3 {
		results := set.Validate(within(t, 10*time.Second), hostNetworkPod)
		if diff := cmp.Diff("panics enforce: error panic: the builtin is broken\nsimple enforce: deny denied", summary(results)); diff != "" {
			t.Fatal("results (-want +got):\n" + diff)
		}
		var failed *PanicError
		if !errors.As(results[0].Err, &failed) || failed.Policy != "panics" || len(failed.Stack) == 0 {
			t.Errorf("error %#v", results[0].Err)
		}
	}
}

func TestABuiltinThatHangsHoldsUpNobody(t *testing.T) {
	set := compiled(t, "", map[string]string{
		"hangs":  policyText("hangs", `deny contains {"check": "hangs", "msg": "x"} if test.hang(input.pod.metadata.labels)`),
		"simple": policyText("simple", simple),
	})
	ask := func(timeout time.Duration) (string, time.Duration) {
		start := time.Now()
		results := set.Validate(within(t, timeout), hostNetworkPod)
		return summary(results), time.Since(start)
	}
	const late = "hangs enforce: error ran out of time\nsimple enforce: deny denied"
	for range maxAbandoned {
		got, took := ask(100 * time.Millisecond)
		if diff := cmp.Diff(late, got); diff != "" {
			t.Fatal("results (-want +got):\n" + diff)
		}
		if took > 2*time.Second {
			t.Errorf("took %s", took)
		}
	}
	waitFor(t, "the evaluations to count as hanging", func() bool { return set.policies[0].judge.eval.abandoned.Load() == maxAbandoned })

	const busy = "hangs enforce: error earlier evaluations of this policy hang\nsimple enforce: deny denied"
	var clients sync.WaitGroup
	for range 50 {
		clients.Go(func() {
			if got, _ := ask(time.Minute); got != busy {
				t.Error("results:", got)
			}
		})
	}
	clients.Wait()
	if n := hanging.Load(); n != maxAbandoned {
		t.Errorf("%d evaluations hang, want %d", n, maxAbandoned)
	}

	close(released)
	waitFor(t, "the evaluations to end", func() bool { return set.policies[0].judge.eval.abandoned.Load() == 0 })
	if got, _ := ask(time.Minute); got != "hangs enforce: deny x\nsimple enforce: deny denied" {
		t.Error("after the builtin recovered:", got)
	}
}

func TestClientsThatLeaveAtOnceDoNotMakeAPolicyBusy(t *testing.T) {
	set := compiled(t, "", map[string]string{"slow": policyText("slow", `deny contains {"check": "slow", "msg": "found"} if {
	input.pod.metadata.labels.slow
	some a in numbers.range(1, 100000)
	some b in numbers.range(1, 100000)
	a * b == -1
}`)})
	ctx, leave := context.WithCancel(t.Context())
	var clients sync.WaitGroup
	for range 4 * maxAbandoned {
		clients.Go(func() {
			results := set.Validate(ctx, podInput(map[string]any{"slow": "yes"}, nil))
			if !errors.Is(results[0].Err, verdict.ErrDeadline) {
				t.Error("error", results[0].Err)
			}
		})
	}
	time.Sleep(50 * time.Millisecond)
	leave()
	clients.Wait()
	for range 20 {
		results := set.Validate(within(t, 10*time.Second), podInput(map[string]any{"unique": time.Now().String()}, nil))
		if results[0].Err != nil {
			t.Fatal("another pod:", results[0].Err)
		}
	}
	waitFor(t, "the evaluations to stop", func() bool { return set.policies[0].judge.eval.abandoned.Load() == 0 })
}

func TestADeadlineThatHasPassedFailsClosed(t *testing.T) {
	set := compiled(t, "", map[string]string{"simple": policyText("simple", simple)})
	ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
	defer cancel()
	results := set.Validate(ctx, podInput(nil, map[string]any{"hostNetwork": true}))
	if len(results) != 1 || results[0].Err == nil && len(results[0].Deny) == 0 {
		t.Errorf("results %+v", results)
	}
}

func TestAnswersAreRememberedWithinBounds(t *testing.T) {
	set := compiled(t, "", map[string]string{"echo": policyText("echo", `deny contains {"check": "echo", "msg": input.pod.metadata.labels.a}`)})
	remembered := set.policies[0].judge.answers
	long := make([]byte, rememberedAnswer/2)
	for i := range long {
		long[i] = 'x'
	}
	for i := range 2 * rememberedBytes / len(long) {
		long[0], long[1] = byte('a'+i%26), byte('a'+i/26)
		results := set.Validate(within(t, time.Minute), podInput(map[string]any{"a": string(long)}, nil))
		if len(results[0].Deny) != 1 || results[0].Deny[0].Message != string(long) {
			t.Fatal("wrong verdict on pod", i)
		}
	}
	waitFor(t, "the memory to hold as much as it may", func() bool {
		n := remembered.bytes.Load()
		return n <= rememberedBytes && n > rememberedBytes/2
	})
	before := remembered.answers.Len()
	set.Validate(within(t, time.Minute), podInput(map[string]any{"a": string(make([]byte, 2*rememberedAnswer))}, nil))
	if after := remembered.answers.Len(); after != before {
		t.Errorf("an answer of %d bytes is remembered", 2*rememberedAnswer)
	}
}

func waitFor(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(20 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for", what)
		}
	}
}
