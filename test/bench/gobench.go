package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"golang.org/x/tools/benchmark/parse"
)

// goBenchmarks are Go benchmarks of usher's packages, as `go test -bench` ran
// them, several times each, by name without "Benchmark" and the number of cores.
type goBenchmarks map[string][]*parse.Benchmark

// runGoBenchmarks runs the benchmarks of a package that match a pattern.
func runGoBenchmarks(ctx context.Context, pkg, pattern, each string, count int) (goBenchmarks, error) {
	test := exec.CommandContext(ctx, "go", "test", "-run", "^$", "-bench", pattern, "-benchmem",
		"-benchtime", each, "-count", fmt.Sprint(count), pkg)
	var out bytes.Buffer
	test.Stdout, test.Stderr = &out, os.Stderr
	if err := test.Run(); err != nil {
		return nil, fmt.Errorf("benchmarks of %s: %w\n%s", pkg, err, out.Bytes())
	}
	set, err := parse.ParseSet(&out)
	if err != nil {
		return nil, err
	}
	if len(set) == 0 {
		return nil, errors.New(pkg + " has no benchmark " + pattern)
	}
	all := goBenchmarks{}
	for name, runs := range set {
		name = strings.TrimPrefix(name, "Benchmark")
		if i := strings.LastIndexByte(name, '-'); i >= 0 {
			name = name[:i]
		}
		all[name] = runs
	}
	return all, nil
}

// time is the spread of one benchmark's time, "—" if it was not run.
func (g goBenchmarks) time(name string) string {
	runs := g[name]
	if runs == nil {
		return "—"
	}
	values := make([]float64, len(runs))
	for i, r := range runs {
		values[i] = r.NsPerOp
	}
	return spreadOf(values).format(nanoseconds)
}

// nanoseconds writes a time with three digits that matter.
func nanoseconds(v float64) string {
	switch {
	case v >= 1e6:
		return fmt.Sprintf("%.3g ms", v/1e6)
	case v >= 1e3:
		return fmt.Sprintf("%.3g µs", v/1e3)
	}
	return fmt.Sprintf("%.3g ns", v)
}
