package extender

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"usher.dev/usher/topology"
)

// placement is a pod on a node, for terms to look at.
type placement struct {
	board    *board
	occupied occupancy // before the pod
	demand   *demand
	pick     *pick
	gpus     topology.Set // that the pick is on

	// What follows is set for terms that are not static alone.
	node  *snapshot
	guest guest
	peers *peers // of the pod's job; nil if there are none
}

// term is one reason to prefer a node.
type term struct {
	// name is how the configuration weighs it.
	name string
	// weight is the default, in hundredths of no particular whole.
	weight int32
	// what says in a sentence what a score of 1 means, for docs/extender.md.
	what string
	// static: the score depends on the node's GPUs and the demand alone.
	static bool
	// score is from 0 to 1, or notAsked where the term says nothing of the pod.
	score func(*placement) float64
}

// notAsked is the score of a term that says nothing of a pod, as links say
// nothing of a pod with one GPU. It counts as if its weight were 0, so that the
// scale is left to the others.
const notAsked = -1

const termCount = 7

// terms are the reasons to prefer a node, in the order in which they are shown.
var terms = [termCount]term{termLinks, termRegret, termHealth, termNICs, termLocality, termMIG, termTenant}

// scores are the scores of terms, by their order.
type scores [termCount]float32

// staticScores are those of the static terms.
func staticScores(p *placement) (s scores) {
	for i := range terms {
		if terms[i].static {
			s[i] = float32(terms[i].score(p))
		}
	}
	return s
}

// complete fills in the scores of the terms that are not static.
func (s scores) complete(p *placement) scores {
	for i := range terms {
		if !terms[i].static {
			s[i] = float32(terms[i].score(p))
		}
	}
	return s
}

// weights are the weights of terms, by their order; their sum is 1.
type weights [termCount]float64

// newWeights fills in the defaults of what is not configured.
func newWeights(configured map[string]int32) (weights, error) {
	var w weights
	sum := 0.0
	for i := range terms {
		n := terms[i].weight
		if given, ok := configured[terms[i].name]; ok {
			n = given
		}
		w[i] = float64(n)
		sum += w[i]
	}
	for _, name := range slices.Sorted(maps.Keys(configured)) {
		if !slices.ContainsFunc(terms[:], func(t term) bool { return t.name == name }) {
			return w, fmt.Errorf("weights[%s]: there is no such term; there are %s", name, termNames())
		}
	}
	if sum <= 0 {
		return w, fmt.Errorf("weights: all of them are 0; one term at least must count (%s)", termNames())
	}
	for i := range w {
		w[i] /= sum
	}
	return w, nil
}

func termNames() string {
	names := make([]string, len(terms))
	for i := range terms {
		names[i] = terms[i].name
	}
	return strings.Join(names, ", ")
}

// total is the weighted mean of the scores of those terms that say something of
// the pod, from 0 to 1.
func (w *weights) total(s *scores) float64 {
	sum, whole := 0.0, 0.0
	for i := range w {
		if s[i] != notAsked {
			sum += w[i] * float64(s[i])
			whole += w[i]
		}
	}
	if whole == 0 {
		return 0
	}
	return sum / whole
}
