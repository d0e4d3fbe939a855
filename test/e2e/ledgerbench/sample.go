package main

import (
	"context"
	"slices"
	"strconv"
	"strings"
	"time"

	"usher.dev/usher/test/e2e/installation"
)

// sample is one round of one workload.
type sample struct {
	// rate is pods a second; median and tail are the 50th and 99th percentile of
	// how long one took, in seconds.
	rate, median, tail float64
	// writes of ledgers by the webhooks, attempts that met another's write, and
	// pods that they reserved for; settles are the controllers' writes meanwhile.
	writes, conflicts, reserved, settles float64
	// CPU time, in seconds, of etcd, kube-apiserver, all webhooks, all controllers.
	cpu [4]float64
}

// run measures one round of a workload.
func (c *cluster) run(ctx context.Context, w workload) (sample, error) {
	if err := c.register(ctx, !w.unjudged); err != nil {
		return sample{}, err
	}
	before, err := c.counters(ctx)
	if err != nil {
		return sample{}, err
	}
	began := time.Now()
	took, err := c.create(ctx, w, c.schedule.pods, false)
	if err != nil {
		return sample{}, err
	}
	seconds := time.Since(began).Seconds()
	after, err := c.counters(ctx)
	if err != nil {
		return sample{}, err
	}
	slices.Sort(took)
	var cpu [4]float64
	for i := range cpu {
		cpu[i] = after.cpu[i] - before.cpu[i]
	}
	return sample{
		cpu:       cpu,
		rate:      float64(len(took)) / seconds,
		median:    took[len(took)/2].Seconds(),
		tail:      took[len(took)*99/100].Seconds(),
		writes:    after.writes - before.writes,
		conflicts: after.conflicts - before.conflicts,
		reserved:  after.reserved - before.reserved,
		settles:   after.settles - before.settles,
	}, c.clear(ctx, w)
}

// counters adds up what usher's processes have counted.
func (c *cluster) counters(ctx context.Context) (sample, error) {
	var sum sample
	var err error
	if sum.cpu, err = c.usage(); err != nil {
		return sum, err
	}
	for _, unit := range c.Webhooks {
		err := count(ctx, unit, map[string]*float64{
			`usher_ledger_writes_total{result="written"}`:         &sum.writes,
			`usher_ledger_writes_total{result="conflict"}`:        &sum.conflicts,
			`usher_ledger_reservations_total{outcome="reserved"}`: &sum.reserved,
		})
		if err != nil {
			return sum, err
		}
	}
	for _, unit := range c.Controllers {
		if err := count(ctx, unit, map[string]*float64{`usher_ledger_writes_total{result="written"}`: &sum.settles}); err != nil {
			return sum, err
		}
	}
	return sum, nil
}

// usage adds up the CPU time that processes have used.
func (c *cluster) usage() (cpu [4]float64, err error) {
	etcd, apiserver, err := c.CPU()
	if err != nil {
		return cpu, err
	}
	cpu[0], cpu[1] = etcd.Seconds(), apiserver.Seconds()
	for i, units := range [][]*installation.Unit{c.Webhooks, c.Controllers} {
		for _, unit := range units {
			used, err := unit.CPU()
			if err != nil {
				return cpu, err
			}
			cpu[2+i] += used.Seconds()
		}
	}
	return cpu, nil
}

// count adds what a process has counted to sums, by series.
func count(ctx context.Context, unit *installation.Unit, sums map[string]*float64) error {
	page, err := unit.Get(ctx, "/metrics")
	if err != nil {
		return err
	}
	for line := range strings.Lines(page) {
		series, value, _ := strings.Cut(strings.TrimSpace(line), "} ")
		sum := sums[series+"}"]
		if sum == nil {
			continue
		}
		n, err := strconv.ParseFloat(value, 64)
		if err != nil {
			return err
		}
		*sum += n
	}
	return nil
}
