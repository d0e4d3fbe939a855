package controller_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/controller"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// patience is how long anything here may take on a busy machine.
const patience = time.Minute

// cluster is a control plane with usher's manifests applied and two replicas of
// the controller prepared.
type cluster struct {
	*controlplane.ControlPlane
	replicas [2]*controller.Replica
}

func start(t *testing.T) *cluster {
	t.Helper()
	// The test's result depends on what the binary is built from.
	t.Log("tree", os.Getenv("USHER_TREE"))
	folder := t.TempDir()
	programs, err := controlplane.FindPrograms(t.Context())
	must(t, err)
	plane, err := controlplane.New(folder, programs)
	must(t, err)
	c := &cluster{ControlPlane: plane}
	t.Cleanup(func() {
		for _, r := range c.replicas {
			r.Release()
		}
		c.Release()
	})
	must(t, c.Start(t.Context()))
	binary, err := repository.Build(t.Context(), folder, controller.Name)
	must(t, err)
	manifests, err := repository.Manifests(t.Context(), "base")
	must(t, err)
	// Without the webhooks: none runs here.
	_, rest := webhook.SplitRegistration(manifests)
	must(t, c.Apply(t.Context(), rest...))
	must(t, c.WaitForKinds(t.Context()))
	for i := range c.replicas {
		c.replicas[i], err = controller.New(t.Context(), plane, filepath.Join(folder, fmt.Sprint("replica", i)), binary, manifests)
		must(t, err)
		must(t, c.replicas[i].Start(t.Context()))
	}
	return c
}

// kubernetes runs controllers of Kubernetes' own.
func (c *cluster) kubernetes(t *testing.T, controllers ...string) {
	t.Helper()
	m, err := c.NewControllerManager(controllers)
	must(t, err)
	t.Cleanup(m.Release)
	must(t, m.Start(t.Context()))
}

// leader waits until exactly one of the replicas that run leads, and returns it
// with the other.
func (c *cluster) leader(t *testing.T) (leader, other *controller.Replica) {
	t.Helper()
	return await.Success(t, patience, "a leader", func() (pair, error) {
		var p pair
		for i, r := range c.replicas {
			if !r.Process.Runs() {
				continue
			}
			leads, err := r.Leads(t.Context())
			if err != nil {
				return p, err
			}
			if leads {
				if p.leader != nil {
					return p, errors.New("both lead")
				}
				p = pair{r, c.replicas[1-i]}
			}
		}
		if p.leader == nil {
			return p, errors.New("none leads")
		}
		return p, nil
	}).split()
}

type pair struct{ leader, other *controller.Replica }

func (p pair) split() (leader, other *controller.Replica) { return p.leader, p.other }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
