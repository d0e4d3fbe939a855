package scheduling

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/controlplane"
)

var outage = flag.Duration("outage", 10*time.Second, "how long TestTheAPIServerIsAway takes the API server away")

// TestTheAPIServerIsAway takes the API server away from agents, extender and
// schedulers, while a GPU goes bad.
func TestTheAPIServerIsAway(t *testing.T) {
	const bad = 5
	c := shared
	f := c.newFleet(t, map[string]shape{"mocked": c.mocked("dgxh100"), "boards": twoBoards})
	f.startAgent(t, "boards", "--heartbeat=2s")
	folder := t.TempDir()
	script := filepath.Join(folder, "script.yaml")
	if err := os.WriteFile(script, []byte(reset), 0o600); err != nil {
		t.Fatal(err)
	}
	f.startAgentOf(t, "mocked", folder, "--source=mock:dgxh100", "--mock-script="+script, "--heartbeat=2s")
	f.waitReported(t, "mocked")
	f.waitReported(t, "boards")
	const namespace = "away"
	c.namespace(t, namespace, nil)
	c.create(t, ask{gpus, 4, nvlink}.pod(namespace, "before", gpuScheduler))
	c.waitBound(t, namespace, "before")
	f.expectMet(t, namespace, "before", nvlink)
	sequence := f.sequence(t, "mocked")

	c.Kill()
	t.Cleanup(func() { c.resume(t) })
	if err := os.WriteFile(script, []byte(strings.ReplaceAll(xid79, "gpu: 3", fmt.Sprintf("gpu: %d", bad))), 0o600); err != nil {
		t.Fatal(err)
	}
	time.Sleep(*outage)
	for name, a := range f.agents {
		if !a.process.Runs() {
			t.Error(a.process.Failure(fmt.Errorf("without an API server, the agent of %s has ended", name)))
		}
	}
	if err := c.extender.ready(t.Context()); err != nil {
		t.Errorf("without an API server, the extender is not ready: %v", err)
	}
	c.resume(t)

	t.Run("the newest report arrives", func(t *testing.T) {
		back := time.Now()
		f.waitHealth(t, "mocked", bad, v1alpha1.Unhealthy)
		t.Logf("%s after the API server was back", time.Since(back).Round(100*time.Millisecond))
		if now := f.sequence(t, "mocked"); now <= sequence {
			t.Errorf("the sequence is %d, and was %d", now, sequence)
		}
	})
	t.Run("pods are placed by it", func(t *testing.T) {
		c.create(t, ask{gpus, 4, nvlink}.pod(namespace, "after", gpuScheduler))
		c.waitBound(t, namespace, "after")
		f.expectMet(t, namespace, "after", nvlink)
		c.create(t, ask{gpus, 8, ""}.pod(namespace, "all", gpuScheduler))
		t.Logf("the scheduler says: %s", c.waitRefused(t, namespace, "all"))
	})
	f.expectNoRefusal(t)
}

// resume starts the API server again, if it is away, and the schedulers, which
// end when they cannot renew their leases, as their pods would be.
func (c *cluster) resume(t *testing.T) {
	t.Helper()
	ctx := context.WithoutCancel(t.Context())
	if c.Runs() {
		return
	}
	if err := c.Start(ctx); err != nil {
		t.Fatal(err)
	}
	for _, s := range []*controlplane.Scheduler{c.gpu, c.plain} {
		if s.Runs() {
			continue
		}
		if err := s.Start(ctx); err != nil {
			t.Fatal(err)
		}
	}
}

// TestAnOldReportIsRefused writes a report of the same boot with a lower
// sequence than the stored one, past usher.
func TestAnOldReportIsRefused(t *testing.T) {
	f := shared.newFleet(t, map[string]shape{"boards": twoBoards})
	f.startAgents(t)
	stored, err := f.report(t.Context(), "boards")
	if err != nil {
		t.Fatal(err)
	}
	f.agents["boards"].kill()
	write := func(bootID string, sequence int64) error {
		patch := fmt.Sprintf(`{"status": {"bootID": %q, "sequence": %d}}`, bootID, sequence)
		_, err := shared.gpuNodes.Patch(t.Context(), "boards", types.MergePatchType, []byte(patch), metav1.PatchOptions{}, "status")
		return err
	}
	if err := write(stored.Status.BootID, stored.Status.Sequence-1); !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), "the report is an old one") {
		t.Errorf("a lower sequence was answered: %v", err)
	}
	if err := write(stored.Status.BootID, stored.Status.Sequence+1); err != nil {
		t.Errorf("a higher sequence was refused: %v", err)
	}
	if err := write("another boot", 0); err != nil {
		t.Errorf("a report of another boot was refused: %v", err)
	}
	// The agent takes over again, whatever was stored meanwhile.
	f.agents["boards"].start(t)
	await.Success(t, patience, "the agent reports again", func() (struct{}, error) {
		node, err := f.report(t.Context(), "boards")
		if err == nil && node.Status.BootID != stored.Status.BootID {
			err = errors.New("the report is not the agent's")
		}
		return struct{}{}, err
	})
}
