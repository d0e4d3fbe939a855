package soak

import (
	"context"
	"fmt"
	"time"

	"usher.dev/usher/test/e2e/installation"
	"usher.dev/usher/test/e2e/steady/scrape"
)

// kind is what is measured of a process.
type kind struct {
	name   string
	metric string
	unit   string
	scale  float64 // of the metric, in units
	// per is over how many samples the least is taken: of a heap, what collections
	// leave.
	per int
	// A last third of a run is flat that is no more above the second one than a share
	// of that, or than so many units.
	share, units float64
}

const mebibyte = 1 << 20

// kinds are all that is measured.
var kinds = []kind{
	{name: "resident memory", metric: "process_resident_memory_bytes", unit: "MiB", scale: mebibyte, per: 1, share: 0.05, units: 5},
	{name: "heap after collections", metric: "go_memstats_heap_alloc_bytes", unit: "MiB", scale: mebibyte, per: 12, share: 0.05, units: 3},
	{name: "goroutines", metric: "go_goroutines", scale: 1, per: 1, share: 0.05, units: 10},
}

// process is one of usher's.
type process struct {
	name    string
	unit    *installation.Unit
	samples [][]float64 // by kind
}

// sampler samples processes.
type sampler struct {
	processes []*process
	at        []time.Duration // since the beginning, of each sample
}

func newSampler(i *installation.Installation) *sampler {
	s := &sampler{}
	add := func(name string, units []*installation.Unit) {
		for n, unit := range units {
			s.processes = append(s.processes, &process{name: fmt.Sprintf("%s %d", name, n+1), unit: unit, samples: make([][]float64, len(kinds))})
		}
	}
	add("webhook", i.Webhooks)
	add("controller", i.Controllers)
	return s
}

// take takes one sample of every process.
func (s *sampler) take(ctx context.Context, at time.Duration) error {
	for _, p := range s.processes {
		metrics, err := p.unit.Get(ctx, "/metrics")
		if err != nil {
			return fmt.Errorf("sample %s: %w", p.name, err)
		}
		for k := range kinds {
			value, err := scrape.Sum(metrics, kinds[k].metric)
			if err != nil {
				return fmt.Errorf("sample %s: %w", p.name, err)
			}
			if value == 0 {
				return fmt.Errorf("sample %s: it has no %s", p.name, kinds[k].metric)
			}
			p.samples[k] = append(p.samples[k], value/kinds[k].scale)
		}
	}
	s.at = append(s.at, at)
	return nil
}
