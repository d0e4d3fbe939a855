package chart

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestNetworkPolicies(t *testing.T) {
	objects := render(t, set("networkPolicy.apiServer.ports={8443}", "networkPolicy.apiServer.cidrs={10.0.0.1/32}",
		"networkPolicy.metricsFrom[0].kubernetes\\.io/metadata\\.name=monitoring", "tracing.endpoint=otel.observability:4317")...)
	apiServer := []any{object{"ports": []any{object{"port": 8443.0}}, "to": []any{object{"ipBlock": object{"cidr": "10.0.0.1/32"}}}}}
	traces := append(slices.Clone(apiServer), object{"ports": []any{object{"port": 4317.0}}},
		object{"ports": []any{object{"port": 53.0, "protocol": "UDP"}, object{"port": 53.0, "protocol": "TCP"}}})
	from := []any{object{"namespaceSelector": object{"matchLabels": object{"kubernetes.io/metadata.name": "monitoring"}}}}
	probes := object{"from": from, "ports": []any{object{"port": "probes"}}}
	want := map[string]object{
		"usher-webhook":          {"ingress": []any{object{"ports": []any{object{"port": "https"}}}, probes}, "egress": traces},
		"usher-controller":       {"ingress": []any{probes}, "egress": traces},
		"usher-agent":            {"ingress": []any{probes}, "egress": apiServer},
		"gpu-topology-scheduler": {"ingress": []any{object{"from": from, "ports": []any{object{"port": "probes"}, object{"port": "scheduler"}}}}, "egress": traces},
	}
	workloads := pods(t, objects)
	for policy, rules := range want {
		rules["policyTypes"] = []any{"Ingress", "Egress"}
		rules["podSelector"] = object{"matchLabels": object{"app.kubernetes.io/name": policy}}
		if diff := cmp.Diff(rules, value(find(objects, "NetworkPolicy", policy), "spec")); diff != "" {
			t.Errorf("%s: %s", policy, diff)
		}
		if workloads[policy].Labels["app.kubernetes.io/name"] != policy {
			t.Errorf("%s selects nothing", policy)
		}
	}
}
