package main

import (
	"fmt"
	"strings"
)

// profiles shows where usher's time goes.
func (p *page) profiles(b *strings.Builder) {
	fmt.Fprintf(b, "## What remains\n\nWhere usher's CPU time goes at %d in flight: the share of each part, and what that makes of the CPU time of one review.\n\n| part |", inFlight)
	for _, r := range p.results {
		fmt.Fprintf(b, " %s |", r.workload.name)
	}
	fmt.Fprintf(b, "\n|%s\n", strings.Repeat(" --- |", len(p.results)+1))
	names := make([]string, 0, len(parts)+1)
	for _, part := range parts {
		names = append(names, part.name)
	}
	for _, name := range append(names, otherPart) {
		fmt.Fprintf(b, "| %s |", name)
		for _, r := range p.results {
			share := r.profile.shares[name]
			fmt.Fprintf(b, " %s, %s |", percent(share), microseconds(share*spreadOf(r.figures[len(r.figures)-1].cpu).median))
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(b, `
The %d functions with the most time in them and in what they call, without
those through which OPA's evaluator calls itself and HTTP requests come in. The
profiler cuts deep stacks, so outer functions of evaluations show less than
they take.
`, profileRows)
	for _, r := range p.results {
		fmt.Fprintf(b, "\n### %s\n\n```\n%s\n```\n", r.workload.name, r.profile.top)
	}
}
