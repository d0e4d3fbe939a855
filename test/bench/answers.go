package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"

	vegeta "github.com/tsenart/vegeta/v12/lib"
	admissionv1 "k8s.io/api/admission/v1"
)

// verify looks at every answer: one to each of the requests from first to
// before end, with the wanted verdict.
func verify(answers []*vegeta.Result, first, end uint64, allowed bool) error {
	if uint64(len(answers)) != end-first {
		return fmt.Errorf("%d answers to %d requests", len(answers), end-first)
	}
	seen := make([]bool, end-first)
	for _, a := range answers {
		if a.Error != "" || a.Code != http.StatusOK {
			return fmt.Errorf("status %d, %s: %s", a.Code, a.Error, a.Body)
		}
		var review struct {
			Response struct {
				UID     string
				Allowed bool
			}
		}
		if err := json.Unmarshal(a.Body, &review); err != nil {
			return fmt.Errorf("decode the answer: %w", err)
		}
		n, err := parseRequestUID(review.Response.UID)
		switch {
		case err != nil:
			return err
		case n < first || n >= end || seen[n-first]:
			return fmt.Errorf("a second answer to request %d, or to one of another run", n)
		case review.Response.Allowed != allowed:
			return fmt.Errorf("request %d: allowed is %t, want %t: %s", n, review.Response.Allowed, allowed, a.Body)
		}
		seen[n-first] = true
	}
	return nil
}

// judgeNoPods are the policies that have nothing to say of a pod.
var judgeNoPods = []string{"managed_objects", "node_identity", "tenant_claims"}

// rehearse sends one review outside of any measurement, and verifies what is
// the same for all: that HTTP/2 is spoken and, of a server with policies, that
// every one of them denies what violates all.
func rehearse(ctx context.Context, p *process, w *workload) error {
	n := p.sent
	p.sent++
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url+"/validate?timeout=10s", bytes.NewReader(w.body(n)))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := p.client.Do(request)
	if err != nil {
		return err
	}
	defer reply.Body.Close()
	content, err := io.ReadAll(reply.Body)
	if err != nil {
		return err
	}
	if reply.ProtoMajor != 2 || reply.TLS == nil {
		return fmt.Errorf("the answer came over %s, want HTTP/2 with TLS", reply.Proto)
	}
	var review admissionv1.AdmissionReview
	if err := json.Unmarshal(content, &review); err != nil || review.Response == nil {
		return fmt.Errorf("status %s, no response: %s", reply.Status, content)
	}
	if !w.denied(p.kind) {
		return nil
	}
	asked, err := p.evaluations(ctx)
	if err != nil {
		return err
	}
	denied := map[string]bool{}
	if review.Response.Result != nil && review.Response.Result.Details != nil {
		for _, cause := range review.Response.Result.Details.Causes {
			policy, _, _ := strings.Cut(string(cause.Type), "/")
			denied[policy] = true
		}
	}
	for _, policy := range slices.Sorted(maps.Keys(asked)) {
		if !denied[policy] && !slices.Contains(judgeNoPods, policy) {
			return fmt.Errorf("policy %s does not deny the violating pod: %s", policy, content)
		}
	}
	return nil
}
