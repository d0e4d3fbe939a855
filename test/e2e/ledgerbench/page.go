package main

import (
	"fmt"
	"strings"
)

// page is docs/ledger-benchmarks.md.
type page struct {
	machine  string
	schedule schedule
	samples  map[string][]sample // by workload, in order of rounds
	cost     cost
}

// target is how many pods with GPUs a second one tenant's ledger should take.
const target = 500

const introduction = `# Benchmarks of the ledger

Written by ` + "`make bench-ledger`" + `; do not edit.

%s.

How fast are pods with GPUs admitted when each must be reserved in its tenant's
ledger first? A real etcd (without fsync) and kube-apiserver, %d usher-webhooks
behind one address, %d usher-controllers and %d clients share this machine, so that
all figures are small; what counts is how they compare. Each round creates %d pods of
each workload in turn; figures are the median of %d rounds, with the least and the most.
Every answer is checked; a wrong one fails the run.

| workload | what it is |
| --- | --- |
`

func (p *page) String() string {
	var b strings.Builder
	s := p.schedule
	fmt.Fprintf(&b, introduction, p.machine, webhooks, controllers, s.clients, s.pods, s.rounds)
	for _, w := range workloads {
		what := w.what
		if w.crowded {
			what += fmt.Sprintf(": %d", s.held)
		}
		fmt.Fprintf(&b, "| %s | %s |\n", w.name, what)
	}
	p.admissions(&b)
	p.writes(&b)
	p.usage(&b)
	p.free(&b)
	return b.String()
}

// admissions compares how fast pods are created.
func (p *page) admissions(b *strings.Builder) {
	b.WriteString("\n## Admissions\n\nFrom the client's request to the whole answer.\n\n" +
		"| workload | pods/s | of no GPU's | p50 | p99 |\n| --- | --- | --- | --- | --- |\n")
	for _, w := range workloads {
		rate := p.spread(w, func(s sample) float64 { return s.rate })
		share := p.against(w, workloads[1], func(s sample) float64 { return s.rate })
		median := p.spread(w, func(s sample) float64 { return s.median })
		tail := p.spread(w, func(s sample) float64 { return s.tail })
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s |\n", w.name, rate.format(whole), share.format(hundredths), median.format(milliseconds), tail.format(milliseconds))
	}
	one := p.spread(workloads[2], func(s sample) float64 { return s.rate })
	verdict := "reached here"
	if one.median < target {
		verdict = "**missed** here, where everything shares the cores; without GPUs, it is " +
			p.spread(workloads[1], func(s sample) float64 { return s.rate }).format(whole)
	}
	fmt.Fprintf(b, "\nWanted: %d pods/s of one tenant on real hardware. It is %s: %s.\n", target, one.format(whole), verdict)
}

// writes shows how many writes that took.
func (p *page) writes(b *strings.Builder) {
	b.WriteString("\n## Writes of ledgers\n\nOf one round. Requests that wait for one tenant in one replica share a write; one that finds that\n" +
		"another has written meanwhile is a conflict, and decided again. Settlements are usher-controller's own.\n\n" +
		"| workload | reserved | writes | pods a write | conflicts | settlements |\n| --- | --- | --- | --- | --- | --- |\n")
	for _, w := range workloads {
		reserved := p.spread(w, func(s sample) float64 { return s.reserved })
		writes := p.spread(w, func(s sample) float64 { return s.writes })
		batch := "—"
		if writes.least > 0 {
			batch = p.spread(w, func(s sample) float64 { return s.reserved / s.writes }).format(tenths)
		}
		fmt.Fprintf(b, "| %s | %s | %s | %s | %s | %s |\n", w.name, whole(reserved.median), writes.format(whole), batch,
			p.spread(w, func(s sample) float64 { return s.conflicts }).format(whole),
			p.spread(w, func(s sample) float64 { return s.settles }).format(whole))
	}
}

// usage shows whose CPU time it took.
func (p *page) usage(b *strings.Builder) {
	b.WriteString("\n## CPU time\n\nOf one pod, in all processes of each kind.\n\n" +
		"| workload | etcd | kube-apiserver | webhooks | controllers |\n| --- | --- | --- | --- | --- |\n")
	for _, w := range workloads {
		fmt.Fprintf(b, "| %s", w.name)
		for i := range 4 {
			fmt.Fprintf(b, " | %s", p.spread(w, func(s sample) float64 { return s.cpu[i] / float64(p.schedule.pods) }).format(microseconds))
		}
		b.WriteString(" |\n")
	}
}

// free shows that pods without GPUs pay nothing.
func (p *page) free(b *strings.Builder) {
	fmt.Fprintf(b, "\n## Pods without GPUs pay nothing\n\n"+
		"One review in usher's own process, with a ledger that answers at once and with none (`BenchmarkLedger` of\n"+
		"package webhook, %d runs in turn). With a GPU, the difference is what surrounds the write; without, there is\nnone but noise, and not one allocation.\n\n"+
		"| pod | path | without a ledger | with one | allocations without | with |\n| --- | --- | --- | --- | --- | --- |\n", p.schedule.count)
	for _, pods := range []string{"without GPUs", "with a GPU"} {
		for _, path := range []string{"mutate", "validate"} {
			without, few := p.cost.of(pods, "no ledger", path)
			with, many := p.cost.of(pods, "a ledger", path)
			fmt.Fprintf(b, "| %s | /%s | %s | %s | %.0f | %.0f |\n", pods, path, without.format(microseconds), with.format(microseconds), few, many)
		}
	}
}

func (p *page) spread(w workload, of func(sample) float64) spread {
	var values []float64
	for _, s := range p.samples[w.name] {
		values = append(values, of(s))
	}
	return spreadOf(values)
}

// against divides round by round: what disturbed a whole round cancels out.
func (p *page) against(w, yardstick workload, of func(sample) float64) spread {
	var values []float64
	for i, s := range p.samples[w.name] {
		values = append(values, of(s)/of(p.samples[yardstick.name][i]))
	}
	return spreadOf(values)
}
