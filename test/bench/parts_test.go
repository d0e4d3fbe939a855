package main

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

func TestSharesOfAProfile(t *testing.T) {
	const traces = `File: bench
Type: cpu
Duration: 1s, Total samples = 100ms (10%)
-----------+-------------------------------------------------------
      20ms   runtime.mallocgc
             github.com/open-policy-agent/opa/v1/ast.NewTerm
             usher.dev/usher/internal/engine.(*query).evaluate
-----------+-------------------------------------------------------
      10ms   runtime.scanobject
             runtime.gcAssistAlloc
             github.com/open-policy-agent/opa/v1/ast.NewTerm
-----------+-------------------------------------------------------
      30ms   runtime.mapassign_faststr
             encoding/json.(*decodeState).object
             usher.dev/usher/webhook.DecodeReview
             usher.dev/usher/webhook.(*Handler).ServeHTTP
             net/http.(*http2serverConn).runHandler
-----------+-------------------------------------------------------
      .02s   internal/runtime/syscall/linux.Syscall6
             crypto/tls.(*Conn).Write
-----------+-------------------------------------------------------
      20ms   runtime.futex
             runtime.findRunnable
`
	got, err := shares(traces)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]float64{
		"Rego (OPA)": .2, "garbage collector": .1, "decoding the review": .3, "HTTP/2 and TLS": .2, otherPart: .2,
	}
	if diff := cmp.Diff(want, got, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Error(diff)
	}
	sum := 0.
	for _, share := range got {
		sum += share
	}
	if math.Abs(sum-1) > 1e-9 {
		t.Errorf("the shares add up to %v", sum)
	}
	if _, err := shares("File: bench\n"); err == nil {
		t.Error("a profile without stacks has no error")
	}
}
