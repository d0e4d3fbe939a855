package doctor

import (
	"maps"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
)

// lostReport is the age at which usher-extender lets no pod go to a node, by
// default; from staleReport on its score fades.
const (
	staleReport = 2 * time.Minute
	lostReport  = 10 * time.Minute
)

var checkReports = &Check{
	ID:    "gpu-reports",
	Title: "every node with GPUs has a fresh report",
	Why:   "gpu-topology-scheduler places pods by GPUNodes alone: a node without a report, or with an old one, gets no pod with GPUs.",
	Needs: []Kind{kindNodes},
	Reads: []Kind{kindGPUNodes, kindConfigMaps, kindDeployments},
	run: func(s *Snapshot) (found []Finding) {
		// Many nodes that lack the same are one finding.
		lacking := map[string][]string{}
		weights := s.weights()
		for _, n := range s.Nodes {
			report := find(s.GPUNodes, "", n.Name)
			if len(nodeGPUs(weights, n)) > 0 && report == nil {
				lacking["no GPUNode"] = append(lacking["no GPUNode"], n.Name)
			}
			if report != nil {
				if why := s.staleness(report, n); why != "" {
					lacking[why] = append(lacking[why], n.Name)
				}
			}
		}
		advice := "see the pod of usher-agent on the node, its log and `usher topo NODE`"
		for _, why := range slices.Sorted(maps.Keys(lacking)) {
			nodes := lacking[why]
			f := errorOf(Object{"Node", "", nodes[0]}, advice, "%s: %s", why, "pods with GPUs are not placed on it")
			if len(nodes) > 1 {
				f.Message = why + " of " + plural(len(nodes), "node", "nodes") + ": pods with GPUs are not placed on " + some(nodes)
			}
			if strings.HasPrefix(why, "a report that grows old") {
				f.Severity = Warning
			}
			found = append(found, f)
		}
		for _, g := range s.GPUNodes {
			if find(s.Nodes, "", g.Name) == nil {
				found = append(found, warningOf(objectOf("GPUNode", g), "delete it; it goes with its Node where the Node owns it", "there is no Node %s", g.Name))
			}
		}
		return found
	},
}

// staleness says what is wrong with a node's report, "" if nothing is.
func (s *Snapshot) staleness(g *v1alpha1.GPUNode, n *corev1.Node) string {
	if g.Status.Heartbeat == nil {
		return "a GPUNode without a report"
	}
	switch age := s.Now.Sub(g.Status.Heartbeat.Time); {
	case age > lostReport:
		return "a report older than " + ago(lostReport)
	case age > staleReport && s.Live:
		return "a report that grows old, older than " + ago(staleReport)
	}
	if ready := meta.FindStatusCondition(g.Status.Conditions, v1alpha1.ConditionReady); ready != nil && ready.Status == metav1.ConditionFalse && nodeReady(n) {
		return "a report that is not ready (" + ready.Reason + ")"
	}
	return ""
}

func nodeReady(n *corev1.Node) bool {
	return slices.ContainsFunc(n.Status.Conditions, func(c corev1.NodeCondition) bool {
		return c.Type == corev1.NodeReady && c.Status == corev1.ConditionTrue
	})
}
