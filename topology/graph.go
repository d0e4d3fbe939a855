// Package topology knows how the GPUs of one node reach each other: which free
// GPUs are the best to take together, which ones NVIDIA's device plugin will
// take, and what either does to those that remain.
package topology

import (
	"errors"
	"fmt"
	"slices"
)

// MaxGPUs is the most GPUs of one node.
const MaxGPUs = 16

// What a link adds to a weight: the scale of NVIDIA's go-gpuallocator.
const (
	weightPerStep = 10
	weightPerLane = 100
)

// maxLanes bounds what is believed of one link, so that weights of sets fit
// into 32 bits.
const maxLanes = 1 << 10

// Link is how two GPUs reach each other.
type Link struct {
	// Path is their PCIe path.
	Path Path
	// Lanes is the number of active NVLinks between them.
	Lanes int
	// Switch says that the lanes lead through NVSwitches.
	Switch bool
}

// Weight is 10 for each step of PCIe closeness (SYS 10, PSB 60) and 100 for
// each lane.
func (l Link) Weight() int { return weightPerStep*int(l.Path) + weightPerLane*l.Lanes }

// Pair is the link of two GPUs.
type Pair struct {
	A, B int
	Link Link
}

// GPU is one GPU of a graph.
type GPU struct {
	// NUMA is its NUMA node, -1 where the machine does not say.
	NUMA int
}

// Graph is the GPUs of one node and their links. It does not change and may be
// used by many goroutines.
type Graph struct {
	gpus []GPU
	// links, by a*len(gpus)+b.
	links []Link
	relations
}

// New makes a graph of GPUs and the links of pairs of them, in either order.
// Pairs that are not given have no link. All that is wrong is in the error.
func New(gpus []GPU, pairs []Pair) (*Graph, error) {
	n := len(gpus)
	if n > MaxGPUs {
		return nil, fmt.Errorf("%d GPUs are too many: at most %d", n, MaxGPUs)
	}
	g := &Graph{gpus: slices.Clone(gpus), links: make([]Link, n*n), relations: relationsOf(gpus)}
	var given [MaxGPUs]Set
	var wrong []error
	for _, p := range pairs {
		switch {
		case min(p.A, p.B) < 0 || max(p.A, p.B) >= n:
			wrong = append(wrong, fmt.Errorf("pair %d-%d: there are GPUs 0 to %d", p.A, p.B, n-1))
			continue
		case p.A == p.B:
			wrong = append(wrong, fmt.Errorf("pair %d-%d: a GPU has no link to itself", p.A, p.B))
		case given[p.A].Has(p.B):
			wrong = append(wrong, fmt.Errorf("pair %d-%d: given twice", p.A, p.B))
		case p.Link.Lanes < 0 || p.Link.Lanes > maxLanes:
			wrong = append(wrong, fmt.Errorf("pair %d-%d: %d NVLink lanes: 0 to %d can be", p.A, p.B, p.Link.Lanes, maxLanes))
		case p.Link.Path > PSB:
			wrong = append(wrong, fmt.Errorf("pair %d-%d: %v is no PCIe path", p.A, p.B, p.Link.Path))
		}
		given[p.A], given[p.B] = given[p.A].With(p.B), given[p.B].With(p.A)
		g.links[p.A*n+p.B], g.links[p.B*n+p.A] = p.Link, p.Link
		if p.Link.Lanes > 0 {
			g.link(p.A, p.B)
		}
	}
	if wrong != nil {
		return nil, errors.Join(wrong...)
	}
	return g, nil
}

// Len is the number of GPUs.
func (g *Graph) Len() int { return len(g.gpus) }

// GPU is GPU i.
func (g *Graph) GPU(i int) GPU { return g.gpus[i] }

// All is the set of all GPUs.
func (g *Graph) All() Set { return FirstGPUs(g.Len()) }

// Link is how GPUs a and b reach each other, the same both ways.
func (g *Graph) Link(a, b int) Link { return g.links[a*len(g.gpus)+b] }

// Weight is the weight of the link of a and b, 0 for a GPU and itself.
func (g *Graph) Weight(a, b int) int { return g.Link(a, b).Weight() }

// Meets reports whether the GPUs of a set meet a requirement.
func (g *Graph) Meets(s Set, r Requirement) bool { return g.meets(s, r) }

// SetWeight is the sum of the weights of all pairs of the set.
func (g *Graph) SetWeight(s Set) int {
	sum := 0
	for a := range s.Members() {
		for b := range (s & FirstGPUs(a)).Members() {
			sum += g.Weight(a, b)
		}
	}
	return sum
}
