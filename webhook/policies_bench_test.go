package webhook_test

import (
	"fmt"
	"strings"
	"testing"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/config"
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
			_, validate := benchHandlers(b, cfg, nil)
			ask(b, validate, "/validate", func(i int) string {
				review := fmt.Sprintf(benchReview, i, i%99999, i, 200+i, i%99999)
				// Whatever a policy reads, something of it is new.
				review = strings.Replace(review, `"name":"A","value":"b"`, fmt.Sprintf(`"name":"A","value":"%d"`, i), 1)
				review = strings.Replace(review, `"key":"tenant"`, fmt.Sprintf(`"key":"other-%d","operator":"Equal"},{"key":"tenant"`, i), 1)
				return strings.Replace(review, `"runAsNonRoot":true}`, fmt.Sprintf(`"runAsNonRoot":true,"runAsUser":%d}`, i), 1)
			})
		})
	}
}
