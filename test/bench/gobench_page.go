package main

import (
	"context"
	"fmt"
	"io"
	"strings"
)

// benchmarked are figures of single parts, by the Go benchmarks of their packages.
type benchmarked struct {
	topology, updates goBenchmarks
	rounds            int
}

// measureParts runs the benchmarks that the page shows.
func measureParts(ctx context.Context, s schedule, progress io.Writer) (*benchmarked, error) {
	fmt.Fprintln(progress, "parts: best sets of GPUs, one report")
	topology, err := runGoBenchmarks(ctx, "usher.dev/usher/topology", "^Benchmark(Tables|Pick)$", s.part.String(), s.rounds)
	if err != nil {
		return nil, err
	}
	updates, err := runGoBenchmarks(ctx, "usher.dev/usher/scheduler-extender", "^BenchmarkGPUNodeUpdate$", s.part.String(), s.rounds)
	if err != nil {
		return nil, err
	}
	return &benchmarked{topology, updates, s.rounds}, nil
}

func (p *benchmarked) section(b *strings.Builder) {
	fmt.Fprintf(b, `## One report

What it costs the extender to take in a GPUNode that changes who holds which GPU:
what is free, the best sets of every size, what the device plugin will pick.

| machine | time |
| --- | --- |
| DGX H100, 8 GPUs | %s |
| 4 A100, two of them in MIG devices | %s |

## Best sets of GPUs

The best set of k free GPUs, all of them free, on machines of 4 (a GB200 tray), 8
(DGX-1: direct NVLinks) and 16 GPUs (PCIe only). usher's tables hold the answers for
every k and every requirement; its prediction is of what go-gpuallocator 0.5.0, the
device plugin's own allocator, picks. Times are the median of %d runs, with the least
and the most.

| GPUs | k | usher, all k at once | usher's prediction | go-gpuallocator |
| --- | --- | --- | --- | --- |
`, p.updates.time("GPUNodeUpdate/dgx-h100"), p.updates.time("GPUNodeUpdate/a100-mixed-mig"), p.rounds)
	for _, gpus := range []int{4, 8, 16} {
		for k := 1; k <= gpus; k *= 2 {
			tables := ""
			if k == 1 {
				tables = p.topology.time(fmt.Sprintf("Tables/gpus=%d", gpus))
			}
			name := fmt.Sprintf("Pick/gpus=%d/k=%d/", gpus, k)
			theirs := p.topology.time(name + "go-gpuallocator")
			if theirs == "—" {
				theirs = "seconds, not run"
			}
			fmt.Fprintf(b, "| %d | %d | %s | %s | %s |\n", gpus, k, tables, p.topology.time(name+"usher"), theirs)
		}
	}
	b.WriteString("\n")
}
