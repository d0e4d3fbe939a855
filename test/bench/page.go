package main

import (
	"fmt"
	"maps"
	"slices"
	"strings"
)

// page is docs/benchmarks.md.
type page struct {
	machine  string
	kinds    []kindOfServer // the yardstick first, usher last
	schedule schedule
	results  []result
	// scheduling and parts are nil where one workload alone was measured.
	scheduling *scheduling
	parts      *benchmarked
}

const introduction = `# Benchmarks

Written by ` + "`make bench`" + `; do not edit.

`

const aboutWebhooks = `Pods with GPUs are reserved in their tenant's ledger first; what that costs, on a real API server, is in
[Benchmarks of the ledger](ledger-benchmarks.md).

How much slower is a webhook that judges every pod by Rego than one that judges
none? Three servers answer the same reviews, each in a process of its own, with
the same TLS, HTTP/2 and HTTP limits (usher's server package around
controller-runtime's), without client certificates. Client and servers share the
machine.

`

const forScale = `For scale, not of this run: on two cores, Gatekeeper 3.23 with 15 pod security
policies of its library and its policies on limits and requests did 177
reviews/s where an allow-all webhook did 9,266 and upstream's evaluator 6,009.

`

func (p *page) String() string {
	var b strings.Builder
	b.WriteString(introduction)
	fmt.Fprintf(&b, "%s\n\n", p.machine)
	if len(p.results) > 0 {
		b.WriteString(aboutWebhooks)
		p.describe(&b)
		p.targets(&b)
		p.throughput(&b)
		p.latency(&b)
		p.cache(&b)
		p.profiles(&b)
	}
	if p.scheduling != nil {
		p.scheduling.section(&b)
		p.parts.section(&b)
	}
	return b.String()
}

func (p *page) describe(b *strings.Builder) {
	b.WriteString("| server | what it does |\n| --- | --- |\n")
	for _, k := range p.kinds {
		fmt.Fprintf(b, "| %s | %s |\n", k.name, k.about)
	}
	b.WriteString("\n| workload | reviews | mean size |\n| --- | --- | --- |\n")
	for _, r := range p.results {
		fmt.Fprintf(b, "| %s | %s | %d bytes |\n", r.workload.name, r.workload.about, r.workload.size())
	}
	fmt.Fprintf(b, `
The servers take turns, %d rounds; each round measures each server %s at %d
reviews in flight over one connection (as an API server's), then %s one at a
time. Figures are the median of the rounds, with the least and the most; ratios
are to the allow-all webhook in the same round. Every answer is checked: to which
request it is, and whether it allows what must be allowed and denies what
must be denied; a wrong one fails the run.

`, p.schedule.rounds, p.schedule.throughput, inFlight, p.schedule.latency)
}

// targets compares what was reached with what was set out to be.
func (p *page) targets(b *strings.Builder) {
	b.WriteString("## Targets\n\n| workload | throughput, of allow-all's | wanted | p50, times allow-all's | wanted |\n| --- | --- | --- | --- | --- |\n")
	for _, r := range p.results {
		t := r.workload.target
		if t == (target{}) {
			continue
		}
		yardstick, usher := r.figures[0], r.figures[len(r.figures)-1]
		throughput, median := spreadOf(ratios(usher.perSecond, yardstick.perSecond)), spreadOf(ratios(usher.median, yardstick.median))
		fmt.Fprintf(b, "| %s | %s | at least %.2f: %s | %s | at most %.2f: %s |\n", r.workload.name,
			throughput.format(ratio), t.throughput, reached(throughput.median >= t.throughput),
			median.format(ratio), t.median, reached(median.median <= t.median))
	}
	b.WriteString("\n")
}

func reached(yes bool) string {
	if yes {
		return "reached"
	}
	return "**missed**"
}

func (p *page) throughput(b *strings.Builder) {
	fmt.Fprintf(b, "## Throughput\n\nAt %d in flight. CPU is the server's own, user and system, a review.\n\n", inFlight)
	b.WriteString("| workload | server | reviews/s | of allow-all's | CPU | times allow-all's | peak memory |\n| --- | --- | --- | --- | --- | --- | --- |\n")
	p.rows(b, func(yardstick, f figures) string {
		return fmt.Sprintf("%s | %s | %s | %s | %s", spreadOf(f.perSecond).format(count),
			spreadOf(ratios(f.perSecond, yardstick.perSecond)).format(ratio),
			spreadOf(f.cpu).format(microseconds), spreadOf(ratios(f.cpu, yardstick.cpu)).format(ratio), mebibytes(f.peakMemory))
	})
	b.WriteString(forScale)
}

func (p *page) latency(b *strings.Builder) {
	b.WriteString("## Latency\n\nOne at a time, from the client's request to the whole answer.\n\n")
	b.WriteString("| workload | server | p50 | times allow-all's | p99 | times allow-all's |\n| --- | --- | --- | --- | --- | --- |\n")
	p.rows(b, func(yardstick, f figures) string {
		return fmt.Sprintf("%s | %s | %s | %s", spreadOf(f.median).format(microseconds),
			spreadOf(ratios(f.median, yardstick.median)).format(ratio),
			spreadOf(f.tail).format(microseconds), spreadOf(ratios(f.tail, yardstick.tail)).format(ratio))
	})
}

// rows writes one row for each workload and server.
func (p *page) rows(b *strings.Builder, cells func(yardstick, f figures) string) {
	for _, r := range p.results {
		for i, f := range r.figures {
			fmt.Fprintf(b, "| %s | %s | %s |\n", r.workload.name, p.kinds[i].name, cells(r.figures[0], f))
		}
	}
	b.WriteString("\n")
}

func (p *page) cache(b *strings.Builder) {
	b.WriteString("## Verdict cache\n\nThe share of questions to a policy that the cache answered: the input was the same in every field that the policy reads.\n\n")
	policies := slices.Sorted(maps.Keys(p.results[0].asked))
	fmt.Fprintf(b, "| workload | %s |\n|%s\n", strings.Join(policies, " | "), strings.Repeat(" --- |", len(policies)+1))
	for _, r := range p.results {
		fmt.Fprintf(b, "| %s |", r.workload.name)
		for _, policy := range policies {
			fmt.Fprintf(b, " %s |", percent(r.asked[policy].cached()))
		}
		b.WriteString("\n")
	}
	b.WriteString("\n")
}
