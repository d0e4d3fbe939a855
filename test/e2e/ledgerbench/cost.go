package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/tools/benchmark/parse"

	"usher.dev/usher/test/e2e/repository"
)

// cost is what usher itself takes for one review with a ledger and without one, in
// one process, by name of the benchmark.
type cost map[string][]*parse.Benchmark

// ledgerCost runs BenchmarkLedger of package webhook, whose variants take turns.
func ledgerCost(ctx context.Context, s schedule) (cost, error) {
	out := cost{}
	for range s.count {
		test := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", "^BenchmarkLedger$", "-benchmem", "-benchtime", s.each, "./webhook")
		test.Dir = repository.Root()
		var output bytes.Buffer
		test.Stdout, test.Stderr = &output, os.Stderr
		if err := test.Run(); err != nil {
			return nil, fmt.Errorf("benchmark the ledger: %w\n%s", err, output.Bytes())
		}
		set, err := parse.ParseSet(&output)
		if err != nil {
			return nil, err
		}
		for name, runs := range set {
			name = strings.TrimPrefix(name, "BenchmarkLedger/")
			if i := strings.LastIndexByte(name, '-'); i >= 0 {
				name = name[:i]
			}
			out[name] = append(out[name], runs...)
		}
	}
	return out, nil
}

// of returns the runs of a variant.
func (c cost) of(pods, ledger, path string) (spread, float64) {
	name := strings.ReplaceAll(fmt.Sprintf("%s, %s/%s", pods, ledger, path), " ", "_")
	var times []float64
	allocations := 0.0
	for _, run := range c[name] {
		times = append(times, run.NsPerOp/1e9)
		allocations = float64(run.AllocsPerOp)
	}
	return spreadOf(times), allocations
}
