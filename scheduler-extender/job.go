package extender

import (
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// jobOf names the job that a pod belongs to, "" if it belongs to none: the first
// of those labels that it has, else what owns it.
func jobOf(meta *metav1.ObjectMeta, labels []string) string {
	for _, label := range labels {
		if value := meta.Labels[label]; value != "" {
			return meta.Namespace + "/" + label + "=" + value
		}
	}
	if owner := metav1.GetControllerOfNoCopy(meta); owner != nil {
		return meta.Namespace + "/" + string(owner.UID)
	}
	return ""
}

// peers count the pods of one job by where they run.
type peers struct {
	total   int
	nodes   map[string]int // by name
	cliques map[string]int
	racks   map[string]int
}

// add counts pods of the job on a node.
func (p *peers) add(s *snapshot, count int) {
	p.total += count
	if s.board != nil && s.board.clique != "" {
		p.cliques[s.board.clique] += count
	}
	if s.rack != "" {
		p.racks[s.rack] += count
	}
}
