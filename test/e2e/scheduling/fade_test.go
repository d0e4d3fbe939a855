package scheduling

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"usher.dev/usher/test/e2e/await"
)

// TestAnAgentIsKilled kills the agent of the node that does best. The node fades
// until others do better, is then refused, and returns with its agent.
func TestAnAgentIsKilled(t *testing.T) {
	const (
		staleAfter = 5 * time.Second
		lostAfter  = 25 * time.Second
	)
	f := shared.newFleet(t, map[string]shape{"linked": dgxH100, "split": halfLinked})
	f.startAgents(t, "--heartbeat=2s")
	f.cluster.extender.restart(t, fmt.Sprintf("staleAfter: %s\nlostAfter: %s\n", staleAfter, lostAfter))
	const namespace = "fading"
	f.cluster.namespace(t, namespace, nil)
	// probe asks for four GPUs, and says how the node did.
	probes := 0
	probe := func() (explainedNode, string) {
		t.Helper()
		probes++
		name := fmt.Sprintf("probe-%02d", probes)
		f.cluster.create(t, ask{gpus, 4, bestEffort}.pod(namespace, name, gpuScheduler))
		node := f.cluster.waitBound(t, namespace, name)
		explained := f.cluster.extender.explain(t, namespace, name)
		f.cluster.remove(t, namespace, name)
		return explained.of(t, "linked"), node
	}

	before, node := probe()
	if node != "linked" || before.Freshness != 1 {
		t.Fatalf("a pod of four GPUs is on %s, and the better node's freshness is %v", node, before.Freshness)
	}
	f.agents["linked"].kill()
	killed := time.Now()

	t.Run("its node fades", func(t *testing.T) {
		last := before
		faded := await.Success(t, 2*lostAfter, "the other node does better", func() (explainedNode, error) {
			now, node := probe()
			if now.Freshness > last.Freshness {
				t.Errorf("the freshness has grown from %v to %v", last.Freshness, now.Freshness)
			}
			last = now
			if node == "linked" {
				return now, fmt.Errorf("its score is %d, its freshness %v", now.Score, now.Freshness)
			}
			return now, nil
		})
		t.Logf("%s after its agent was killed, freshness %.2f leaves the node %d of 10 points; it had %d",
			time.Since(killed).Round(time.Second), faded.Freshness, faded.Score, before.Score)
	})
	t.Run("is then refused", func(t *testing.T) {
		refused := await.Success(t, 2*lostAfter, "the node is refused", func() (explainedNode, error) {
			now, _ := probe()
			if now.Filtered == "" {
				return now, fmt.Errorf("its freshness is %v", now.Freshness)
			}
			return now, nil
		})
		t.Logf("%s after its agent was killed: %s", time.Since(killed).Round(time.Second), refused.Filtered)
		if since := time.Since(killed); since < lostAfter-5*time.Second {
			t.Errorf("the node was refused after %s", since)
		}
		f.cluster.create(t, ask{gpus, 4, nvlink}.pod(namespace, "waiting", gpuScheduler))
		said := f.cluster.waitRefused(t, namespace, "waiting")
		t.Logf("the scheduler says: %s", said)
		if !strings.Contains(said, "report") {
			t.Errorf("the scheduler does not say that the report is old")
		}
	})
	t.Run("and returns", func(t *testing.T) {
		f.agents["linked"].start(t)
		if node := f.cluster.waitBound(t, namespace, "waiting"); node != "linked" {
			t.Errorf("the pod that has waited is on %s", node)
		}
		f.expectMet(t, namespace, "waiting", nvlink)
		await.Success(t, patience, "the node is as good as before", func() (struct{}, error) {
			now, node := probe()
			if node != "linked" || now.Freshness != 1 {
				return struct{}{}, errors.New("it is not")
			}
			return struct{}{}, nil
		})
	})
	f.expectNoRefusal(t)
}
