package webhook_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"usher.dev/usher/internal/cluster"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/policies"
	"usher.dev/usher/webhook"
)

// BenchmarkReport is what one report of an agent costs, of the 500 a second that
// come from 5,000 nodes: 8 GPUs with 28 links, each report with another
// sequence, from 1,000 nodes in turn.
func BenchmarkReport(b *testing.B) {
	cfg := config.Default()
	set, err := engine.Compile(cfg, policies.FS)
	if err != nil {
		b.Fatal(err)
	}
	_, handler := webhook.NewHandlers(webhook.NewReviewer(engine.New(set).Current, cluster.NewObjects(), cfg), logr.Discard(), logr.Discard(), webhook.NewMetrics(prometheus.NewRegistry()))
	bodies := make([][]byte, 2000)
	for i := range bodies {
		node := fmt.Sprint("gpu-", i%1000)
		bodies[i] = reviewBody(b, "usher.dev/v1alpha1", "GPUNode", gpuNode(node, i+1), fields{
			"operation": "UPDATE", "subResource": "status", "namespace": "", "name": node, "oldObject": gpuNode(node, i),
			"userInfo": fields{
				"username": "system:serviceaccount:usher-system:usher-agent",
				"extra":    fields{"authentication.kubernetes.io/node-name": []any{node}},
			},
		})
	}
	b.ReportAllocs()
	i := 0
	for b.Loop() {
		i++
		body := bodies[i%len(bodies)]
		r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/validate?timeout=10s", bytes.NewReader(body))
		r.Header.Set("Content-Type", "application/json")
		w := httptest.NewRecorder()
		handler.ServeHTTP(w, r)
		if w.Code != http.StatusOK || !bytes.Contains(w.Body.Bytes(), []byte(`"allowed":true`)) {
			b.Fatalf("status %d: %s", w.Code, w.Body)
		}
	}
}

func gpuNode(name string, sequence int) fields {
	var gpus, links []any
	for a := range 8 {
		gpus = append(gpus, fields{"index": a, "uuid": fmt.Sprintf("GPU-%s-%d", name, a), "model": "NVIDIA H100 80GB HBM3", "health": "Healthy"})
		for other := a + 1; other < 8; other++ {
			links = append(links, fields{"a": a, "b": other, "path": "NODE", "nvlinkLanes": 18, "nvSwitch": true})
		}
	}
	return fields{
		"metadata": fields{"name": name, "ownerReferences": []any{fields{"apiVersion": "v1", "kind": "Node", "name": name, "uid": name}}},
		"status":   fields{"bootID": "b", "sequence": sequence, "gpus": gpus, "links": links},
	}
}
