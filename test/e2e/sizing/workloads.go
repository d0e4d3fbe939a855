package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/podload"
)

const (
	// patience is how long a cluster may take to change between two measurements.
	patience = 2 * time.Minute
	pause    = 50 * time.Millisecond
)

// workload is pods that are created in the namespaces of tenants.
type workload struct {
	name, what string
	tenants    int
	gpus       int64
}

var workloads = []workload{
	{"no GPU", "pods without GPUs: every policy judges, no ledger is asked", 1, 0},
	{"one tenant", "pods of one GPU each of one tenant, reserved in its one ledger", 1, 1},
	{"eight tenants", "the same of eight tenants in turn, each with a ledger of its own", 8, 1},
}

// figures are what one workload came to with some number of webhooks.
type figures struct {
	// perSecond is pods a second; median and tail are of how long one took.
	perSecond    float64
	median, tail time.Duration
	// CPU time of all processes of a kind for one pod.
	webhooks, controllers, apiserver time.Duration
	// conflicts are attempts to write a ledger that another's write came before, and
	// writes those that were made, by the webhooks.
	conflicts, writes float64
}

// workloads runs every workload with the webhooks that take part.
func (s *site) workloads(ctx context.Context, round, replicas int) ([]figures, error) {
	var out []figures
	for i, w := range workloads {
		fmt.Fprintf(os.Stderr, "round %d, %d replicas: %s\n", round+1, replicas, w.name)
		tenants := make([]string, w.tenants)
		for n := range tenants {
			tenants[n] = fmt.Sprintf("of-%d-%d-%d-%d", round, replicas, i, n)
		}
		if err := s.tenants(ctx, tenants); err != nil {
			return nil, err
		}
		// A first few show the way to what is measured.
		if _, err := s.create(ctx, w, tenants, len(s.clients)); err != nil {
			return nil, err
		}
		f, err := s.measure(ctx, w, tenants)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.name, err)
		}
		out = append(out, f)
		for _, tenant := range tenants {
			if err := s.admin.CoreV1().Pods(tenant).DeleteCollection(ctx, podload.AtOnce(), metav1.ListOptions{}); err != nil {
				return nil, err
			}
			if err := s.settled(ctx, tenant); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

// tenants makes tenants with a namespace of their name each, and waits for their
// ledgers.
func (s *site) tenants(ctx context.Context, names []string) error {
	var manifests []string
	for _, name := range names {
		manifests = append(manifests, fmt.Sprintf(`
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: %[1]s}
spec: {gpu: {perTenant: "1000000"}}
---
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s, labels: {tenant: %[1]s}}`, name))
	}
	if err := s.ApplyYAML(ctx, strings.Join(manifests, "\n---\n")); err != nil {
		return err
	}
	for _, name := range names {
		if err := s.settled(ctx, name); err != nil {
			return err
		}
	}
	return nil
}

// settled waits until a tenant's ledger is counted and holds nothing.
func (s *site) settled(ctx context.Context, tenant string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	ledgers := s.objects.Resource(v1alpha1.GroupVersion.WithResource("quotaledgers"))
	for {
		object, err := ledgers.Get(ctx, tenant, metav1.GetOptions{})
		if err == nil {
			status, _ := object.Object["status"].(map[string]any)
			if status["counted"] != nil && status["used"] == nil && status["reserved"] == nil {
				return nil
			}
			err = fmt.Errorf("the ledger of %s has %v used and %v reserved", tenant, status["used"], status["reserved"])
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(pause):
		}
	}
}

func (s *site) create(ctx context.Context, w workload, tenants []string, count int) ([]time.Duration, error) {
	pods := make([]*corev1.Pod, count)
	for i := range pods {
		pods[i] = podload.Pod(tenants[i%len(tenants)], w.gpus)
	}
	return podload.Create(ctx, s.clients, pods, func(err error) error { return err })
}

// usage is what has been used and counted up to now.
type usage struct {
	webhooks, controllers, etcd, apiserver time.Duration
	conflicts, writes                      float64
}

func (s *site) usage(ctx context.Context) (u usage, err error) {
	if u.webhooks, err = used(s.Webhooks); err != nil {
		return u, err
	}
	if u.controllers, err = used(s.Controllers); err != nil {
		return u, err
	}
	if u.etcd, u.apiserver, err = s.CPU(); err != nil {
		return u, err
	}
	if u.conflicts, err = counted(ctx, s.Webhooks, `usher_ledger_writes_total{result="conflict"}`); err != nil {
		return u, err
	}
	u.writes, err = counted(ctx, s.Webhooks, `usher_ledger_writes_total{result="written"}`)
	return u, err
}

func (s *site) measure(ctx context.Context, w workload, tenants []string) (figures, error) {
	before, err := s.usage(ctx)
	if err != nil {
		return figures{}, err
	}
	began := time.Now()
	took, err := s.create(ctx, w, tenants, s.plan.pods)
	elapsed := time.Since(began)
	if err != nil {
		return figures{}, err
	}
	after, err := s.usage(ctx)
	if err != nil {
		return figures{}, err
	}
	slices.Sort(took)
	n := time.Duration(len(took))
	return figures{
		perSecond: float64(len(took)) / elapsed.Seconds(),
		median:    took[len(took)/2], tail: took[len(took)*99/100],
		webhooks:    (after.webhooks - before.webhooks) / n,
		controllers: (after.controllers - before.controllers) / n,
		apiserver:   (after.apiserver + after.etcd - before.apiserver - before.etcd) / n,
		conflicts:   after.conflicts - before.conflicts,
		writes:      after.writes - before.writes,
	}, nil
}
