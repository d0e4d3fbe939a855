package main

import (
	"strings"
	"testing"

	"golang.org/x/tools/benchmark/parse"
)

func TestThePageShowsEveryWorkloadInEveryTable(t *testing.T) {
	p := &page{machine: "a machine", schedule: scheduleOf(true), samples: map[string][]sample{}, cost: cost{}}
	for i, w := range workloads {
		p.samples[w.name] = []sample{
			{rate: float64(100 * (i + 1)), median: .02, tail: .1, writes: 10, reserved: 40, cpu: [4]float64{.04, .4, .2, .1}},
			{rate: float64(200 * (i + 1)), median: .04, tail: .3, writes: 20, reserved: 40, cpu: [4]float64{.04, .4, .2, .1}},
		}
	}
	p.cost["without_GPUs,_a_ledger/validate"] = []*parse.Benchmark{{NsPerOp: 61_000, AllocsPerOp: 338}}
	text := p.String()
	for _, w := range workloads {
		if got := strings.Count(text, "\n| "+w.name+" | "); got != 4 {
			t.Errorf("%q has %d rows, want one in each of 4 tables", w.name, got)
		}
	}
	for _, want := range []string{
		"| one GPU | 450 (300–600) | 1.50 (1.50–1.50) | 30 ms (20 ms–40 ms) | 200 ms (100 ms–300 ms) |",
		"| one GPU | 40 | 15 (10–20) | 3.0 (2.0–4.0) | 0 (0–0) | 0 (0–0) |",
		"| one GPU | 1000 µs (1000 µs–1000 µs) | 10000 µs (10000 µs–10000 µs) |",
		"It is 450 (300–600): **missed** here",
		"| without GPUs | /validate | 0 µs (0 µs–0 µs) | 61 µs (61 µs–61 µs) | 0 | 338 |",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the page lacks %q:\n%s", want, text)
		}
	}
}
