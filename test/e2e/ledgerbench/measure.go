package main

import (
	"context"
	"fmt"
	"os"

	"usher.dev/usher/test/e2e/installation"
	"usher.dev/usher/test/e2e/podload"
)

// replicas of usher's processes.
const webhooks, controllers = 3, 2

// measure runs every workload in turn, round after round, on one cluster.
func measure(ctx context.Context, s schedule) (*page, error) {
	folder, err := os.MkdirTemp("", "usher-ledgerbench-")
	if err != nil {
		return nil, err
	}
	defer func() { _ = os.RemoveAll(folder) }()
	p := &page{machine: podload.Machine(), schedule: s, samples: map[string][]sample{}}
	installed, err := installation.Start(ctx, installation.Options{Folder: folder, Webhooks: webhooks, Controllers: controllers})
	if err != nil {
		return nil, err
	}
	defer installed.Release()
	c, err := newCluster(ctx, installed, s)
	if err != nil {
		return nil, err
	}
	for round := range s.rounds {
		for _, w := range workloads {
			fmt.Fprintf(os.Stderr, "round %d of %d: %s\n", round+1, s.rounds, w.name)
			taken, err := c.run(ctx, w)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", w.name, err)
			}
			p.samples[w.name] = append(p.samples[w.name], taken)
		}
	}
	fmt.Fprintln(os.Stderr, "what a ledger costs pods without GPUs")
	p.cost, err = ledgerCost(ctx, s)
	return p, err
}
