package main

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	jsonpatch "github.com/evanphx/json-patch/v5"
)

// TestAStandaloneWebhookDecidesOnLedgersInFiles asks twice for the last GPU: the
// first answer reserves nothing that the second would miss.
func TestAStandaloneWebhookDecidesOnLedgersInFiles(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "objects.yaml"), `
{apiVersion: v1, kind: Namespace, metadata: {name: team, labels: {tenant: a}}}
---
{apiVersion: usher.dev/v1alpha1, kind: Tenant, metadata: {name: a}, spec: {gpu: {perTenant: "4"}}}
---
apiVersion: usher.dev/v1alpha1
kind: QuotaLedger
metadata: {name: a}
status:
  holders: [Pod team/train 3000000]
`)
	p := start(t, "--objects", dir)
	client := p.newClient(t)
	create := func(gpus string) (allowed bool, message string) {
		t.Helper()
		limits := map[string]any{"cpu": "1", "memory": "1Gi", "nvidia.com/gpu": gpus}
		body := podReview(t, nil, map[string]any{"containers": []any{map[string]any{"name": "a", "resources": map[string]any{"limits": limits, "requests": limits}}}})
		mutated, err := p.review(client, "/mutate", body)
		must(t, err)
		if !strings.Contains(string(mutated.Patch), "usher.dev/reservation") {
			t.Errorf("the patch is %s", mutated.Patch)
		}
		validated, err := p.review(client, "/validate", patchedReview(t, body, mutated.Patch))
		must(t, err)
		if validated.Allowed {
			return true, ""
		}
		return false, validated.Result.Message
	}
	for range 2 {
		if allowed, message := create("1"); !allowed {
			t.Error(message)
		}
	}
	if _, message := create("2"); !strings.Contains(message, "2 GPU asked for, and of the tenant's 4 1 is left: 3 held, most by team/train (3)") {
		t.Error(message)
	}
}

// patchedReview is a review whose object a patch was applied to.
func patchedReview(t *testing.T, body, operations []byte) []byte {
	t.Helper()
	var review, request map[string]json.RawMessage
	must(t, json.Unmarshal(body, &review))
	must(t, json.Unmarshal(review["request"], &request))
	patch, err := jsonpatch.DecodePatch(operations)
	must(t, err)
	request["object"], err = patch.Apply(request["object"])
	must(t, err)
	review["request"], err = json.Marshal(request)
	must(t, err)
	body, err = json.Marshal(review)
	must(t, err)
	return body
}
