package webhook_test

import (
	"fmt"
	"testing"

	"usher.dev/usher/internal/config"
)

// BenchmarkReport is what one report of an agent costs, of the 500 a second that
// come from 5,000 nodes: 8 GPUs with 28 links, each report with another
// sequence, from 1,000 nodes in turn.
func BenchmarkReport(b *testing.B) {
	_, validate := benchHandlers(b, config.Default(), nil)
	bodies := make([]string, 2000)
	for i := range bodies {
		node := fmt.Sprint("gpu-", i%1000)
		bodies[i] = string(reviewBody(b, "usher.dev/v1alpha1", "GPUNode", gpuNode(node, i+1), fields{
			"operation": "UPDATE", "subResource": "status", "namespace": "", "name": node, "oldObject": gpuNode(node, i),
			"userInfo": fields{
				"username": "system:serviceaccount:usher-system:usher-agent",
				"extra":    fields{"authentication.kubernetes.io/node-name": []any{node}},
			},
		}))
	}
	ask(b, validate, "/validate", func(i int) string { return bodies[i%len(bodies)] })
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
