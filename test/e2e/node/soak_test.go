//go:build linux

package node_test

import (
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/gpunode"
	"usher.dev/usher/test/e2e/nvplugin"
	"usher.dev/usher/topology"
)

// target is the share of right predictions that is asked for.
const target = 0.99

// Pods come and go at random. After each change the agent's report must come to
// say exactly what the containers on the node have in hand.
func TestTheReportIsWhatTheKubeletHandedOut(t *testing.T) {
	needsNode(t)
	for i, m := range machines {
		t.Run(m.name, func(t *testing.T) {
			s := startSoak(t, m, rand.New(rand.NewPCG(*seed, uint64(i))))
			for end := time.Now().Add(*duration); time.Now().Before(end); {
				s.round()
			}
			s.clear()
			s.conclude()
		})
	}
}

// soak is one machine on which pods come and go.
type soak struct {
	t        *testing.T
	random   *rand.Rand
	hardware *v1alpha1.GPUNode
	graph    *topology.Graph
	plugins  []*nvplugin.Server
	agent    *agent

	pods  []*pod
	named int
	turns int

	// report is the newest that was settled.
	report *v1alpha1.GPUNode
	delays []time.Duration

	// settled counts the forecasts made of a settled report, for pods with one
	// container that has GPUs; chained those of the pods created right after,
	// for which the pods before are taken to get what was predicted.
	settled, chained tally
	// counts are of pods, containers, restarts and the like, for people.
	counts map[string]int
}

func startSoak(t *testing.T, m machine, random *rand.Rand) *soak {
	t.Helper()
	hardware := m.hardware(t)
	graph, err := gpunode.Graph(hardware)
	if err != nil {
		t.Fatal(err)
	}
	s := &soak{t: t, random: random, hardware: hardware, graph: graph, counts: map[string]int{}}
	s.plugins = startPlugins(t, hardware)
	s.agent = startAgent(t, m.source)
	s.settle()
	return s
}

// round lets some pods go and others come, and now and then something restart.
func (s *soak) round() {
	for _, p := range slices.Clone(s.pods) {
		if s.random.IntN(3) == 0 {
			s.remove(p)
		}
	}
	s.settle()
	s.add(1 + s.random.IntN(3))
	s.settle()
	if s.turns++; s.turns%4 == 0 {
		s.trouble(s.turns / 4)
	}
}

// clear lets all pods go.
func (s *soak) clear() {
	for _, p := range slices.Clone(s.pods) {
		s.remove(p)
	}
	s.settle()
}

// conclude prints what came out, and judges it.
func (s *soak) conclude() {
	slices.Sort(s.delays)
	s.t.Logf("seed %d, %v", *seed, s.counts)
	s.t.Logf("%d times settled, the report %s behind in the median, %s at most", len(s.delays),
		s.delays[len(s.delays)/2].Round(time.Millisecond), s.delays[len(s.delays)-1].Round(time.Millisecond))
	if s.settled.forecasts == 0 {
		return
	}
	s.t.Logf("predictions of a settled report: %v", &s.settled)
	s.t.Logf("predictions right after another pod: %v", &s.chained)
	if s.settled.share() < target {
		s.t.Errorf("%.3f of the predictions were right; want %.2f", s.settled.share(), target)
	}
}
