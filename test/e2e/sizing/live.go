package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"usher.dev/usher/test/e2e/installation"
	"usher.dev/usher/test/e2e/podload"
	"usher.dev/usher/test/e2e/repository"
)

// controllers is how many there are: one leads, one stands by.
const controllers = 2

// live is what was measured on a real API server.
type live struct {
	// rounds are the workloads' figures of each round, by number of webhooks less
	// one, in order of the workloads.
	rounds [][][]figures
	// webhook is the most memory that one webhook took under load.
	webhook memory
	// leader and standby are the controllers' after all that.
	leader, standby memory
	// perReport is the webhooks' CPU time for a report of an agent.
	perReport time.Duration
	agent     agent
}

// site is a control plane with usher on it, and its clients.
type site struct {
	*installation.Installation
	plan    schedule
	clients []kubernetes.Interface
	admin   kubernetes.Interface
	objects dynamic.Interface
	folder  string
}

const (
	user   = "sizing"
	rights = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: sizing}
rules: [{apiGroups: [""], resources: [pods], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: sizing}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: sizing}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: sizing}]
`
)

// measureLive measures what needs a real API server.
func measureLive(ctx context.Context, folder string, plan schedule) (*live, error) {
	folder = filepath.Join(folder, "live")
	if err := os.Mkdir(folder, 0o700); err != nil {
		return nil, err
	}
	installed, err := installation.Start(ctx, installation.Options{Folder: folder, Webhooks: 1, Controllers: controllers})
	if err != nil {
		return nil, err
	}
	defer installed.Release()
	s := &site{Installation: installed, plan: plan, folder: folder}
	if err := s.connect(ctx); err != nil {
		return nil, err
	}
	version, err := s.Prepare(ctx, repository.Working())
	if err != nil {
		return nil, err
	}
	for len(s.Webhooks) < plan.replicas {
		if err := s.AddWebhook(ctx, version); err != nil {
			return nil, err
		}
	}
	for _, unit := range s.Webhooks {
		if err := unit.WaitReady(ctx); err != nil {
			return nil, err
		}
	}
	out := &live{}
	for round := range plan.rounds {
		taken := make([][]figures, plan.replicas)
		for turn := range taken {
			// Whoever goes first in one round goes last in another.
			n := (turn + round) % len(taken)
			s.take(n + 1)
			if taken[n], err = s.workloads(ctx, round, n+1); err != nil {
				return nil, fmt.Errorf("%d replicas: %w", n+1, err)
			}
		}
		out.rounds = append(out.rounds, taken)
	}
	if out.perReport, err = s.reports(ctx); err != nil {
		return nil, err
	}
	if err := s.memory(ctx, out); err != nil {
		return nil, err
	}
	out.agent, err = s.measureAgent(ctx)
	return out, err
}

func (s *site) connect(ctx context.Context) (err error) {
	config, err := s.As(user)
	if err != nil {
		return err
	}
	if s.clients, err = podload.Clients(config, s.plan.clients); err != nil {
		return err
	}
	if s.admin, err = kubernetes.NewForConfig(s.Config()); err != nil {
		return err
	}
	if s.objects, err = dynamic.NewForConfig(s.Config()); err != nil {
		return err
	}
	return s.ApplyYAML(ctx, rights)
}

// take has so many webhooks take part, and the API server find that out: it keeps
// its connections.
func (s *site) take(webhooks int) {
	for i, unit := range s.Webhooks {
		if i < webhooks {
			s.Balancer.Add(unit.Serves())
		} else {
			s.Balancer.Remove(unit.Serves())
		}
	}
	s.Balancer.Cut()
}

// memory reads what the processes take after the load.
func (s *site) memory(ctx context.Context, out *live) error {
	for _, unit := range s.Webhooks {
		now, peak, err := unit.Memory()
		if err != nil {
			return err
		}
		out.webhook.now, out.webhook.peak = max(out.webhook.now, now), max(out.webhook.peak, peak)
	}
	leader, err := s.Leader(ctx)
	if err != nil {
		return err
	}
	for _, unit := range s.Controllers {
		into := &out.standby
		if unit == leader {
			into = &out.leader
		}
		if into.now, into.peak, err = unit.Memory(); err != nil {
			return err
		}
	}
	return nil
}

// used adds up the CPU time of all processes of a kind.
func used(units []*installation.Unit) (sum time.Duration, err error) {
	for _, unit := range units {
		cpu, err := unit.CPU()
		if err != nil {
			return 0, err
		}
		sum += cpu
	}
	return sum, nil
}

// counted adds up a metric of all processes of a kind, by its whole series.
func counted(ctx context.Context, units []*installation.Unit, series string) (sum float64, err error) {
	for _, unit := range units {
		page, err := unit.Get(ctx, "/metrics")
		if err != nil {
			return 0, err
		}
		for line := range strings.Lines(page) {
			value, found := strings.CutPrefix(strings.TrimSpace(line), series+" ")
			if !found {
				continue
			}
			var n float64
			if _, err := fmt.Sscan(value, &n); err != nil {
				return 0, fmt.Errorf("read %s: %w", series, err)
			}
			sum += n
		}
	}
	return sum, nil
}
