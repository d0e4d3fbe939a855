//go:build linux

package node_test

import (
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/internal/gpunode"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/topology"
)

// pod is one that the soak has made.
type pod struct {
	name, uid  string
	containers []container
}

// draw makes up a pod that fits into what is free of each resource.
func (s *soak) draw(free map[string]int) []container {
	var resources []string
	for _, r := range s.hardware.Status.Resources {
		if free[r.Name] > 0 {
			resources = append(resources, r.Name)
		}
	}
	if len(resources) == 0 || s.random.IntN(12) == 0 {
		return []container{{}}
	}
	resource := resources[s.random.IntN(len(resources))]
	size := s.size(free[resource])
	only := container{resource: resource, size: size}
	switch s.random.IntN(10) {
	case 0:
		// What the init container has, the other gets.
		return []container{{resource: resource, size: 1 + s.random.IntN(size), init: true}, only}
	case 1:
		only.done = true
		return []container{only}
	case 2:
		if size > 1 {
			return []container{{resource: resource, size: 1, sidecar: true}, {resource: resource, size: size - 1}, {}}
		}
	case 3, 4:
		if size > 1 {
			first := 1 + s.random.IntN(size-1)
			return []container{{resource: resource, size: first}, {resource: resource, size: size - first}}
		}
	}
	return []container{only, {}}[:1+s.random.IntN(2)]
}

// size is how many devices a pod wants, as training and inference pods do.
func (s *soak) size(free int) int {
	sizes := []int{1, 1, 1, 2, 2, 2, 3, 4, 4, 8}
	return min(free, sizes[s.random.IntN(len(sizes))])
}

// add makes pods one right after the other and waits until they have come as far
// as they will.
func (s *soak) add(count int) {
	free := s.free()
	gpus := gpunode.Free(s.report, wholeGPUs)
	var forecasts []forecast
	var made []*pod
	for range count {
		containers := s.draw(free)
		s.named++
		p := &pod{name: fmt.Sprintf("pod-%d", s.named), containers: containers}
		f, taken := s.predict(p, gpus)
		uid, err := shared.createPod(s.t.Context(), p.name, containers...)
		if err != nil {
			s.t.Fatal(err)
		}
		p.uid = uid
		s.pods = append(s.pods, p)
		made = append(made, p)
		s.count(p)
		if f != nil {
			forecasts = append(forecasts, *f)
		}
		gpus &^= taken
		for _, c := range containers {
			if !c.init {
				free[c.resource] -= c.size
			}
		}
		if slices.ContainsFunc(containers, func(c container) bool { return c.done }) {
			break // When it gives back what it had is not known to the next.
		}
	}
	s.settle()
	for _, p := range made {
		s.awaitPod(p)
	}
	s.settle()
	for _, f := range forecasts {
		s.judge(f, f.pod == made[0].name)
	}
}

// free counts the devices of each resource that no pod has.
func (s *soak) free() map[string]int {
	free := map[string]int{}
	for _, r := range s.hardware.Status.Resources {
		free[r.Name] = len(r.Devices) * int(r.Replicas)
	}
	for _, p := range s.pods {
		for _, c := range p.containers {
			if c.holds() {
				free[c.resource] -= c.size
			}
		}
	}
	return free
}

// predict says what usher expects a pod to take of the free GPUs, and for pods
// with one container that has GPUs, what is to be judged later.
func (s *soak) predict(p *pod, free topology.Set) (*forecast, topology.Set) {
	var taken topology.Set
	var forecasts []forecast
	judged := true
	for i, c := range p.containers {
		if c.resource != wholeGPUs || c.size == 0 {
			continue
		}
		if c.init || c.done {
			judged = false
		}
		if c.init {
			continue
		}
		tables := s.graph.Tables(free &^ taken)
		predicted, _ := tables.Predicted(c.size)
		taken |= predicted.GPUs
		forecasts = append(forecasts, forecast{pod: p.name, container: containerName(i), tables: tables, size: c.size})
	}
	if judged && len(forecasts) == 1 {
		return &forecasts[0], taken
	}
	return nil, taken
}

// judge holds a forecast against what the container has.
func (s *soak) judge(f forecast, first bool) {
	var uuids []string
	for _, a := range s.report.Status.Allocations {
		if a.Pod == f.pod && a.Container == f.container {
			uuids = append(uuids, a.Device)
		}
	}
	got := s.positions(uuids...)
	if !first {
		s.chained.add(f, got)
		return
	}
	if !s.settled.add(f, got) {
		s.t.Logf("%s: %d of the free GPUs %s were to be one of %v, and are %s", f.pod, f.size, f.tables.Free(), f.tables.Picks(f.size), got)
	}
}

// count counts a pod for the summary.
func (s *soak) count(p *pod) {
	s.counts["pods"]++
	for _, c := range p.containers {
		switch {
		case c.size == 0:
		case c.init:
			s.counts["init containers"]++
		case c.sidecar:
			s.counts["sidecars"]++
		case c.done:
			s.counts["containers that end"]++
		default:
			s.counts["containers"]++
		}
	}
}

// awaitPod waits until a pod runs, or has ended as it should.
func (s *soak) awaitPod(p *pod) {
	s.t.Helper()
	want := corev1.PodRunning
	if slices.ContainsFunc(p.containers, func(c container) bool { return c.done }) {
		want = corev1.PodSucceeded
	}
	await.Success(s.t, patience, fmt.Sprintf("%s is %s", p.name, want), func() (any, error) {
		phase, why, err := shared.phase(s.t.Context(), p.name)
		if phase == corev1.PodFailed {
			s.t.Fatalf("%s has failed: %s", p.name, why)
		}
		if err == nil && phase != want {
			err = fmt.Errorf("it is %s", phase)
		}
		return nil, err
	})
}

// remove deletes a pod, which ends in its own time.
func (s *soak) remove(p *pod) {
	s.t.Helper()
	if err := shared.deletePod(s.t.Context(), p.name); err != nil {
		s.t.Fatal(err)
	}
	s.pods = slices.DeleteFunc(s.pods, func(q *pod) bool { return q == p })
}
