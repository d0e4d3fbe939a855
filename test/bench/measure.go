package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"path/filepath"
	"time"
)

// schedule says how long to measure.
type schedule struct {
	// rounds is how often each server is measured; the servers take turns.
	rounds int
	// warmUp, throughput, latency and profile are the lengths of one attack;
	// that of a profile in whole seconds.
	warmUp, throughput, latency, profile time.Duration
	// decisions is how many decisions one round takes of an extender.
	decisions int
	// part is how long one Go benchmark runs.
	part time.Duration
}

var (
	full = schedule{
		rounds: 5, warmUp: time.Second, throughput: 2 * time.Second, latency: 2 * time.Second, profile: 4 * time.Second,
		decisions: 300, part: 100 * time.Millisecond,
	}
	quick = schedule{
		rounds: 2, warmUp: 100 * time.Millisecond, throughput: 150 * time.Millisecond, latency: 100 * time.Millisecond, profile: time.Second,
		decisions: 24, part: time.Millisecond,
	}
)

// inFlight is how many reviews are under way while throughput is measured.
const inFlight = 16

// figures are what was measured of one server under one workload, one value a
// round.
type figures struct {
	perSecond    []float64
	median, tail []float64 // latency in seconds: p50 and p99
	cpu          []float64 // seconds of the server a review, at full throughput
	peakMemory   int64
}

// result is what was measured under one workload, servers in their order.
type result struct {
	workload workload
	figures  []figures
	// asked counts usher's evaluations in the measured rounds at full throughput.
	asked   map[string]asked
	profile profile
}

// measure compares the servers under one workload. Each starts anew, so that
// its memory is this workload's.
func measure(ctx context.Context, kinds []kindOfServer, w workload, s schedule, dir string, progress io.Writer) (res result, err error) {
	res = result{workload: w, figures: make([]figures, len(kinds)), asked: map[string]asked{}}
	var servers []*process
	defer func() {
		for _, p := range servers {
			err = errors.Join(err, p.stop())
		}
	}()
	for _, kind := range kinds {
		p, err := start(ctx, kind, filepath.Join(dir, w.name, kind.name))
		if err != nil {
			return res, err
		}
		servers = append(servers, p)
		if err := rehearse(ctx, p, &w); err != nil {
			return res, fmt.Errorf("%s: %w", kind.name, err)
		}
		if _, err := attack(ctx, p, &w, inFlight, s.warmUp); err != nil {
			return res, fmt.Errorf("%s: %w", kind.name, err)
		}
	}
	for round := range s.rounds {
		for turn := range servers {
			// Whoever goes first in one round goes last in another.
			i := (turn + round) % len(servers)
			if err := res.round(ctx, servers[i], i, s); err != nil {
				return res, fmt.Errorf("%s: %w", kinds[i].name, err)
			}
			f := res.figures[i]
			fmt.Fprintf(progress, "  round %d  %-9s %6.0f reviews/s  p50 %s\n", round+1, kinds[i].name, f.perSecond[round], microseconds(f.median[round]))
		}
	}
	for i, p := range servers {
		if res.figures[i].peakMemory, err = p.peakMemory(); err != nil {
			return res, err
		}
	}
	return res, nil
}

// round measures one server once.
func (res *result) round(ctx context.Context, p *process, i int, s schedule) error {
	f := &res.figures[i]
	before, err := p.evaluations(ctx)
	if err != nil {
		return err
	}
	busy, err := attack(ctx, p, &res.workload, inFlight, s.throughput)
	if err != nil {
		return err
	}
	after, err := p.evaluations(ctx)
	if err != nil {
		return err
	}
	for policy, a := range after {
		sum := res.asked[policy]
		sum.cache += a.cache - before[policy].cache
		sum.rego += a.rego - before[policy].rego
		res.asked[policy] = sum
	}
	alone, err := attack(ctx, p, &res.workload, 1, s.latency)
	if err != nil {
		return err
	}
	f.perSecond = append(f.perSecond, busy.perSecond())
	f.cpu = append(f.cpu, busy.cpuPerReview().Seconds())
	f.median = append(f.median, alone.quantile(.50).Seconds())
	f.tail = append(f.tail, alone.quantile(.99).Seconds())
	return nil
}
