//go:build linux

package node_test

import (
	"context"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
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
	duration, seed := soakOptions(t)
	for i, m := range machines {
		t.Run(m.name, func(t *testing.T) {
			t.Logf("USHER_SEED=%d", seed)
			s := startSoak(t, m, rand.New(rand.NewPCG(seed, uint64(i))))
			s.troubles = i
			for end := time.Now().Add(duration); time.Now().Before(end); {
				s.round()
			}
			s.clear()
			s.conclude()
		})
	}
}

// soakOptions are for how long pods come and go on each machine, USHER_PODS_FOR,
// and by which seed, USHER_SEED.
func soakOptions(t *testing.T) (time.Duration, uint64) {
	t.Helper()
	duration, seed := 15*time.Second, uint64(time.Now().UnixNano())
	var err error
	if value := os.Getenv("USHER_PODS_FOR"); value != "" {
		if duration, err = time.ParseDuration(value); err != nil {
			t.Fatal(err)
		}
	}
	if value := os.Getenv("USHER_SEED"); value != "" {
		if seed, err = strconv.ParseUint(value, 10, 64); err != nil {
			t.Fatal(err)
		}
	}
	return duration, seed
}

// soak is one machine on which pods come and go.
type soak struct {
	t        *testing.T
	random   *rand.Rand
	hardware *v1alpha1.GPUNode
	graph    *topology.Graph
	plugins  []*nvplugin.Server
	agent    *agent

	pods     []*pod
	named    int
	rounds   int
	troubles int

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
	// After a failure, so that the next machine starts with an idle node.
	t.Cleanup(func() { _, _, _ = shared.Kubectl(context.Background(), "", "delete", "pods", "--all", "--wait=false") })
	s.plugins = startPlugins(t, hardware)
	s.agent = startAgent(t, m.source)
	s.settle()
	return s
}

// round lets some pods go and others come, and now and then something restart.
func (s *soak) round() {
	for _, p := range slices.Clone(s.pods) {
		if s.random.IntN(2) == 0 {
			s.remove(p)
		}
	}
	s.settle()
	if s.random.IntN(3) == 0 {
		s.add(2 + s.random.IntN(2))
	} else {
		s.add(1)
		s.add(1)
	}
	if s.rounds++; s.rounds%3 == 0 {
		s.trouble()
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
	s.t.Helper()
	slices.Sort(s.delays)
	s.t.Logf("%v", s.counts)
	s.t.Logf("settled %d times; the report followed the containers within %s in the median, %s at most", len(s.delays),
		s.delays[len(s.delays)/2].Round(time.Millisecond), s.delays[len(s.delays)-1].Round(time.Millisecond))
	s.checkAnswers()
	if s.settled.forecasts == 0 {
		return
	}
	s.t.Logf("predictions from a settled report: %v", &s.settled)
	s.t.Logf("predictions right after another pod: %v", &s.chained)
	if s.settled.share() < target {
		s.t.Errorf("%.3f of the predictions were right; want %.2f", s.settled.share(), target)
	}
}

// checkAnswers holds all that the plugin of whole GPUs has answered against what
// usher holds possible for the GPUs that it was offered.
func (s *soak) checkAnswers() {
	s.t.Helper()
	asked, possible := 0, 0
	for i, plugin := range s.plugins {
		if s.hardware.Status.Resources[i].Name != wholeGPUs {
			continue
		}
		for _, answer := range plugin.Answers() {
			if len(answer.Required) > 0 {
				continue // usher predicts for containers that have nothing yet.
			}
			asked++
			picks := s.graph.Tables(s.positions(answer.Available...)).Picks(answer.Size)
			if slices.Contains(picks, s.positions(answer.Preferred...)) {
				possible++
			}
		}
	}
	if asked > 0 {
		s.t.Logf("the plugin was asked %d times; usher holds %d of its answers possible", asked, possible)
	}
	if possible != asked {
		s.t.Errorf("the plugin picked %d times what usher holds impossible", asked-possible)
	}
}

// positions are where GPUs stand in the report, by UUID.
func (s *soak) positions(uuids ...string) topology.Set {
	var set topology.Set
	for i, gpu := range s.hardware.Status.GPUs {
		if slices.Contains(uuids, gpu.UUID) {
			set = set.With(i)
		}
	}
	return set
}
