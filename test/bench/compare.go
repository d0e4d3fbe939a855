package main

import (
	"context"
	"embed"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime/debug"
)

//go:embed testdata/cluster testdata/config.yaml
var surroundings embed.FS

// clientGC is the client's GOGC: it runs beside the servers, and its collector
// would take from them what they are measured by.
const clientGC = 800

// onlyExtender is the -only that measures the extender and no webhook.
const onlyExtender = "extender"

// compare measures every workload and writes the page.
func compare(ctx context.Context, o options, progress io.Writer) (err error) {
	debug.SetGCPercent(clientGC)
	all, err := workloads()
	if err != nil {
		return err
	}
	scratch, err := os.MkdirTemp("", "usher-bench-")
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(scratch)) }()
	kinds, profiled, err := servers(ctx, scratch)
	if err != nil {
		return err
	}
	keep := o.profile
	if keep == "" {
		keep = scratch
	} else if err := os.MkdirAll(keep, 0o755); err != nil { //nolint:gosec // nothing secret
		return err
	}
	s := full
	if o.quick {
		s = quick
	}
	page := page{machine: thisMachine(), kinds: kinds, schedule: s}
	for _, w := range all {
		if o.only != "" && o.only != w.name {
			continue
		}
		fmt.Fprintf(progress, "%s: %s\n", w.name, w.about)
		result, err := measure(ctx, kinds, w, s, scratch, progress)
		if err != nil {
			return fmt.Errorf("workload %s: %w", w.name, err)
		}
		if result.profile, err = takeProfile(ctx, profiled, w, s, scratch, keep); err != nil {
			return fmt.Errorf("workload %s: profile: %w", w.name, err)
		}
		page.results = append(page.results, result)
	}
	if o.only == "" || o.only == onlyExtender {
		fmt.Fprintln(progress, "extender: filter and prioritize")
		if page.scheduling, err = compareExtenders(ctx, scratch, s, progress); err != nil {
			return fmt.Errorf("extender: %w", err)
		}
		if page.parts, err = measureParts(ctx, s, progress); err != nil {
			return err
		}
	}
	if len(page.results) == 0 && page.scheduling == nil {
		return fmt.Errorf("there is no workload %q", o.only)
	}
	if o.out == "" {
		_, err := os.Stdout.WriteString(page.String())
		return err
	}
	return os.WriteFile(o.out, []byte(page.String()), 0o644) //nolint:gosec // documentation
}

// servers builds what is compared: the yardstick first, usher last; and usher
// with a profiler.
func servers(ctx context.Context, dir string) (kinds []kindOfServer, profiled kindOfServer, err error) {
	if err := os.CopyFS(dir, surroundings); err != nil {
		return nil, profiled, err
	}
	objects, config := filepath.Join(dir, "testdata", "cluster"), filepath.Join(dir, "testdata", "config.yaml")
	binary, err := build(ctx, dir, "usher-webhook")
	if err != nil {
		return nil, profiled, err
	}
	self, err := os.Executable()
	if err != nil {
		return nil, profiled, err
	}
	kinds = []kindOfServer{
		{name: "allow-all", about: "decodes the review and allows it", command: []string{self, "serve", "allow"}},
		{name: "upstream", about: "Kubernetes' Pod Security evaluator (restricted, latest) on the typed pod", judges: true, command: []string{self, "serve", "upstream"}},
		{
			name: "usher", about: "`usher-webhook --standalone` with all its policies in mode enforce", judges: true,
			command: []string{binary, "--standalone", "--objects", objects, "--config", config},
		},
	}
	profiled = kindOfServer{name: "usher", judges: true, command: []string{self, "serve", "usher", "--objects", objects, "--config", config}}
	return kinds, profiled, nil
}

// build builds one of usher's binaries into a folder.
func build(ctx context.Context, dir, name string) (binary string, err error) {
	binary = filepath.Join(dir, name)
	command := exec.CommandContext(ctx, "go", "build", "-trimpath", "-o", binary, "usher.dev/usher/cmd/"+name)
	if out, err := command.CombinedOutput(); err != nil {
		return "", fmt.Errorf("build %s: %w\n%s", name, err, out)
	}
	return binary, nil
}
