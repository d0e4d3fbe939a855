package webhook_test

import (
	"bytes"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/cluster"
	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/policies"
	"usher.dev/usher/webhook"
)

// BenchmarkPolicy shows what each policy costs by itself on pods that all
// differ in what it reads; "none" is what everything around it costs.
func BenchmarkPolicy(b *testing.B) {
	for _, name := range []string{"none", "gpu_escape", "gpu_quota", "gpu_scheduling", "node_identity", "pod_security", "resource_limits", "tenant_isolation"} {
		b.Run(name, func(b *testing.B) {
			cfg := config.Default()
			cfg.DefaultMode = v1alpha1.ModeOff
			if name != "none" {
				cfg.Policies = map[string]v1alpha1.PolicyConfiguration{name: {Mode: v1alpha1.ModeEnforce}}
			}
			set, err := engine.Compile(cfg, policies.FS)
			if err != nil {
				b.Fatal(err)
			}
			objects := cluster.NewObjects()
			if err := objects.AddYAML([]byte(benchNamespace)); err != nil {
				b.Fatal(err)
			}
			_, handler := webhook.NewHandlers(webhook.NewReviewer(engine.New(set).Current, objects, cfg), logr.Discard(), logr.Discard(), webhook.NewMetrics(prometheus.NewRegistry()))
			b.ReportAllocs()
			i := 0
			for b.Loop() {
				i++
				review := fmt.Sprintf(benchReview, i, i%99999, i, 200+i, i%99999)
				// Whatever a policy reads, something of it is new.
				review = strings.Replace(review, `"name":"A","value":"b"`, fmt.Sprintf(`"name":"A","value":"%d"`, i), 1)
				review = strings.Replace(review, `"key":"tenant"`, fmt.Sprintf(`"key":"other-%d","operator":"Equal"},{"key":"tenant"`, i), 1)
				review = strings.Replace(review, `"runAsNonRoot":true}`, fmt.Sprintf(`"runAsNonRoot":true,"runAsUser":%d}`, i), 1)
				r := httptest.NewRequestWithContext(b.Context(), http.MethodPost, "/validate?timeout=10s", bytes.NewReader([]byte(review)))
				r.Header.Set("Content-Type", "application/json")
				w := httptest.NewRecorder()
				handler.ServeHTTP(w, r)
				if w.Code != http.StatusOK || !bytes.Contains(w.Body.Bytes(), []byte(`"allowed":true`)) {
					b.Fatalf("status %d: %s", w.Code, w.Body)
				}
			}
		})
	}
}
