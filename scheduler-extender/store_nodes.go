package extender

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/api/v1alpha1"
)

// object is what is kept of a Node.
type object struct {
	labels      map[string]string
	taints      []corev1.Taint
	allocatable map[string]int // of GPU resources
}

// SetGPUNode takes in a report. One that is older than the last of the same boot
// changes nothing. A heartbeat that reports nothing new keeps the node's snapshot.
func (s *Store) SetGPUNode(g *v1alpha1.GPUNode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	err := s.setGPUNode(g, s.clock())
	s.publish1(g.Name)
	return err
}

// ReplaceGPUNodes takes in all reports at once. now is by the wall clock: what is
// new to the extender is as old as its heartbeat says, as far as clocks agree.
func (s *Store) ReplaceGPUNodes(list []*v1alpha1.GPUNode, now time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	var errs []error
	present := map[string]bool{}
	for _, g := range list {
		present[g.Name] = true
		seen := s.clock()
		if g.Status.Heartbeat != nil {
			seen -= max(0, now.Sub(g.Status.Heartbeat.Time))
		}
		errs = append(errs, s.setGPUNode(g, seen))
	}
	for name := range maps.Clone(s.all) {
		if !present[name] {
			s.deleteGPUNode(name)
		}
	}
	s.publish()
	s.listed(listedGPUNodes)
	return errors.Join(errs...)
}

// DeleteGPUNode forgets a report.
func (s *Store) DeleteGPUNode(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deleteGPUNode(name)
	s.publish1(name)
}

func (s *Store) deleteGPUNode(name string) {
	n := s.all[name]
	if n == nil || n.report == nil {
		return
	}
	n.report = nil
	s.rebuild(n)
	s.prune(n)
}

// setGPUNode takes in a report that changed at seen. A report that cannot be read
// is kept as a refusal, and returned as an error.
func (s *Store) setGPUNode(g *v1alpha1.GPUNode, seen time.Duration) error {
	n := s.node(g.Name)
	version := reportVersion{g.Status.BootID, g.Status.Sequence}
	if n.report != nil {
		if version == n.report.version {
			seen = time.Duration(n.seen.Load()) // nothing was reported
		} else if version.bootID == n.report.version.bootID && version.sequence < n.report.version.sequence {
			return nil // an old report
		}
	}
	n.seen.Store(int64(seen))
	digest := digestOf(g)
	if n.report != nil && n.report.digest == digest {
		n.report.version = version
		return nil
	}
	r := &report{digest: digest, version: version, refused: refusalOf(g)}
	var err error
	if r.board, err = newBoard(g, s.shapes); err != nil {
		r.board, r.refused = &board{links: s.shapes.none()}, refuse(causeNotReady, false, "the GPU report cannot be read: %v", err)
	}
	r.allocations = r.board.allocationsOf(g.Status.Allocations)
	n.report = r
	named := map[podKey]bool{}
	for _, a := range r.allocations {
		named[a.pod] = true
	}
	maps.DeleteFunc(n.gone, func(k podKey, _ struct{}) bool { return !named[k] })
	s.rebuild(n)
	return err
}

// digestOf is the digest of what a report says, whenever it says so.
func digestOf(g *v1alpha1.GPUNode) [32]byte {
	status := g.Status
	status.Heartbeat, status.Sequence = nil, 0
	text, err := json.Marshal(&status)
	if err != nil {
		panic(err) // all of it are plain values
	}
	return sha256.Sum256(text)
}

// SetNode takes in a Node.
func (s *Store) SetNode(o *corev1.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.setNode(o)
	s.publish1(o.Name)
}

func (s *Store) setNode(o *corev1.Node) {
	fresh := &object{labels: o.Labels, allocatable: map[string]int{}}
	for _, t := range o.Spec.Taints {
		fresh.taints = append(fresh.taints, corev1.Taint{Key: t.Key, Value: t.Value})
	}
	for name, quantity := range o.Status.Allocatable {
		if isGPUResource(string(name)) {
			fresh.allocatable[string(name)] = int(min(quantity.Value(), maxCount))
		}
	}
	n := s.node(o.Name)
	if n.object.equal(fresh) {
		return
	}
	n.object = fresh
	s.rebuild(n)
}

func (o *object) equal(other *object) bool {
	return o != nil && maps.Equal(o.labels, other.labels) && maps.Equal(o.allocatable, other.allocatable) && slices.Equal(o.taints, other.taints)
}

// ReplaceNodes takes in all Nodes at once.
func (s *Store) ReplaceNodes(list []*corev1.Node) {
	s.mu.Lock()
	defer s.mu.Unlock()
	present := map[string]bool{}
	for _, o := range list {
		present[o.Name] = true
		s.setNode(o)
	}
	for name := range maps.Clone(s.all) {
		if !present[name] {
			s.deleteNode(name)
		}
	}
	s.publish()
	s.listed(listedNodes)
}

// DeleteNode forgets a Node.
func (s *Store) DeleteNode(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.deleteNode(name)
	s.publish1(name)
}

func (s *Store) deleteNode(name string) {
	n := s.all[name]
	if n == nil || n.object == nil {
		return
	}
	n.object = nil
	s.rebuild(n)
	s.prune(n)
}

// publish1 publishes if whether a node is known has changed.
func (s *Store) publish1(name string) {
	if (*s.names.Load())[name] != s.all[name] {
		s.publish()
	}
}
