package e2e

import (
	"fmt"
	"testing"
)

// gpuNodeDoors write GPUNodes: an agent writes its own node's alone.
func gpuNodeDoors(t *testing.T) []wholeDoor {
	t.Helper()
	shared.installAgents(t)
	nodes := map[bool]string{false: "doors-own", true: "doors-other"}
	agent := shared.agent(t, nodes[false])
	owners := map[bool]map[string]any{}
	for violate, name := range nodes {
		owners[violate] = shared.node(t, name)
	}
	door := func(name string, try func(t *testing.T, violate bool) error) wholeDoor {
		return wholeDoor{
			name: name, policy: "node_identity", field: "metadata.name",
			words: "an agent writes the GPUNode of another node (clean: of its own)",
			try:   try,
		}
	}
	return []wholeDoor{
		door("create gpunodes", func(t *testing.T, violate bool) error {
			_, err := agent.create(t.Context(), gpuNodes, decode(t, fmt.Sprintf(report, nodes[violate])))
			if violate {
				// The next doors need it all the same.
				shared.agent(t, nodes[violate]).report(t, owners[violate])
			}
			return err
		}),
		door("update gpunodes", func(t *testing.T, violate bool) error {
			return agent.patchGPUNode(t, nodes[violate], `{"metadata": {"labels": {"a": "b"}}}`)
		}),
		door("update gpunodes/status", func(t *testing.T, violate bool) error {
			return agent.patchGPUNode(t, nodes[violate], `{"status": {"sequence": 8}}`, "status")
		}),
	}
}
