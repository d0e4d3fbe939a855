package extender

import (
	"maps"

	corev1 "k8s.io/api/core/v1"
)

// peersAt counts the pods of a job by node.
type peersAt struct{ nodes map[string]int }

// SetPod takes in a pod. Pods that are not bound, have ended or ask for no GPU
// hold none.
func (s *Store) SetPod(p *corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	touched := map[*node]bool{}
	s.setPod(p, touched)
	s.rebuildAll(touched)
	s.pending.settled(p.UID)
}

// ReplacePods takes in all pods at once.
func (s *Store) ReplacePods(list []*corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	touched := map[*node]bool{}
	present := map[podKey]bool{}
	for _, p := range list {
		present[podKey{p.Namespace, p.Name}] = true
		s.setPod(p, touched)
	}
	for key := range maps.Clone(s.pods) {
		if !present[key] {
			s.removePod(key, touched)
		}
	}
	s.rebuildAll(touched)
	for _, p := range list {
		s.pending.settled(p.UID)
	}
	s.listed(listedPods)
}

// DeletePod takes a pod away: it was deleted or has ended, and the kubelet gives
// its devices to others.
func (s *Store) DeletePod(p *corev1.Pod) {
	s.mu.Lock()
	defer s.mu.Unlock()
	touched := map[*node]bool{}
	s.removePod(podKey{p.Namespace, p.Name}, touched)
	s.rebuildAll(touched)
	s.pending.settled(p.UID)
}

func (s *Store) rebuildAll(touched map[*node]bool) {
	for n := range touched {
		s.rebuild(n)
		s.prune(n)
		s.publish1(n.name)
	}
}

func (s *Store) setPod(p *corev1.Pod, touched map[*node]bool) {
	key := podKey{p.Namespace, p.Name}
	known := s.pods[key]
	bound := p.Spec.NodeName != "" && p.Status.Phase != corev1.PodSucceeded && p.Status.Phase != corev1.PodFailed
	terminating := p.DeletionTimestamp != nil
	if known != nil && bound && known.uid == p.UID && known.node == p.Spec.NodeName {
		// What a pod asks for and where it is bound does not change.
		if known.terminating != terminating {
			renewed := *known // snapshots hold the other
			renewed.terminating = terminating
			n := s.node(known.node)
			s.pods[key], n.pods[key] = &renewed, &renewed
			touched[n] = true
		}
		return
	}
	if known != nil {
		s.removePod(key, touched)
	}
	if !bound {
		return
	}
	// What it requires does not matter any more.
	d, containers, _ := demandOf(p)
	if len(d.containers) == 0 {
		return
	}
	fresh := &boundPod{
		key: key, uid: p.UID, node: p.Spec.NodeName, created: p.CreationTimestamp.Time, terminating: terminating,
		demand: s.demands.intern(d), containers: containers, job: jobOf(&p.ObjectMeta, s.cfg.JobLabels),
	}
	if p.Spec.Priority != nil {
		fresh.priority = *p.Spec.Priority
	}
	n := s.node(fresh.node)
	s.pods[key], n.pods[key] = fresh, fresh
	delete(n.gone, key)
	touched[n] = true
	s.joinJob(fresh, 1)
}

func (s *Store) removePod(key podKey, touched map[*node]bool) {
	p := s.pods[key]
	if p == nil {
		return
	}
	n := s.node(p.node)
	delete(s.pods, key)
	delete(n.pods, key)
	if n.report != nil {
		n.gone[key] = struct{}{}
	}
	for _, other := range n.pods {
		other.prediction.moot = true
	}
	touched[n] = true
	s.joinJob(p, -1)
}

func (s *Store) joinJob(p *boundPod, by int) {
	if p.job == "" {
		return
	}
	j := s.jobs[p.job]
	if j == nil {
		j = &peersAt{nodes: map[string]int{}}
		s.jobs[p.job] = j
	}
	if j.nodes[p.node] += by; j.nodes[p.node] <= 0 {
		delete(j.nodes, p.node)
	}
	if len(j.nodes) == 0 {
		delete(s.jobs, p.job)
	}
}

// peersOf counts the running pods of a job, nil if there are none.
func (s *Store) peersOf(job string) *peers {
	if job == "" {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	j := s.jobs[job]
	if j == nil {
		return nil
	}
	p := &peers{nodes: maps.Clone(j.nodes), cliques: map[string]int{}, racks: map[string]int{}}
	for name, count := range j.nodes {
		p.add(s.all[name].current.Load(), count)
	}
	return p
}

// nodeOf is where a pod is bound, "" if it is not known to be.
func (s *Store) nodeOf(key podKey) string {
	s.mu.Lock()
	defer s.mu.Unlock()
	if p := s.pods[key]; p != nil {
		return p.node
	}
	return ""
}
