package doctor

import (
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/labels"
)

var checkAgents = &Check{
	ID:    "agents",
	Title: "usher-agent runs on every node with GPUs",
	Why:   "Without an agent nothing reports a node's GPUs, their links, their health and who holds them.",
	Needs: []Kind{kindNodes},
	Reads: []Kind{kindDaemonSets, kindConfigMaps, kindDeployments},
	run: func(s *Snapshot) (found []Finding) {
		weights := s.weights()
		var withGPUs []*corev1.Node
		for _, n := range s.Nodes {
			if len(nodeGPUs(weights, n)) > 0 {
				withGPUs = append(withGPUs, n)
			}
		}
		if len(withGPUs) == 0 || s.deployment(schedulerName) == nil {
			return nil // nobody reads reports
		}
		d := find(s.DaemonSets, s.Namespace, agentName)
		object := Object{"DaemonSet", s.Namespace, agentName}
		if d == nil {
			return []Finding{errorOf(object, "apply manifests/agent, or run usher-agent beside the device plugin", "it is not there, and %s", plural(len(withGPUs), "node has GPUs", "nodes have GPUs"))}
		}
		var missed []string
		for _, n := range withGPUs {
			if !labels.SelectorFromSet(d.Spec.Template.Spec.NodeSelector).Matches(labels.Set(n.Labels)) {
				missed = append(missed, n.Name)
			}
		}
		if len(missed) > 0 {
			found = append(found, errorOf(object, "label the nodes as its nodeSelector wants, which NVIDIA's GPU feature discovery does, or change the selector",
				"its nodeSelector leaves %s with GPUs out: %s", plural(len(missed), "node", "nodes"), some(missed)))
		}
		if lacking := d.Status.DesiredNumberScheduled - d.Status.NumberReady; s.Live && lacking > 0 {
			found = append(found, warningOf(object, "see `kubectl -n "+s.Namespace+" get pods -l "+appLabel+"="+agentName+" -o wide` and the log of those that are not ready",
				"%d of %d agents are not ready", lacking, d.Status.DesiredNumberScheduled))
		}
		return found
	},
}
