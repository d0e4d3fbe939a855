package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// profileRows is how many functions of a profile are shown.
const profileRows = 25

// hidden are functions that a listing leaves out: OPA's evaluator calls itself
// through them, and every request comes in through those of HTTP.
const hidden = `opa/v1/topdown\.(\(?\*?)?(eval|stepCont|with)|promhttp\.|controller-runtime|http\.(HandlerFunc|serverHandler|initALPNRequest|\(\*ServeMux\))`

// profile is what the profiler says of usher under one workload.
type profile struct {
	// shares is the share of each part in the CPU time.
	shares map[string]float64
	// top lists the functions with the most time in them and what they call.
	top string
}

// takeProfile asks usher's profiler what it does under a workload at full
// throughput, and keeps the profile in a folder.
func takeProfile(ctx context.Context, kind kindOfServer, w workload, s schedule, scratch, keep string) (_ profile, err error) {
	address, err := freePort(ctx)
	if err != nil {
		return profile{}, err
	}
	kind.command = append(slices.Clip(kind.command), "--pprof-listen", address)
	p, err := start(ctx, kind, filepath.Join(scratch, w.name, "profiled"))
	if err != nil {
		return profile{}, err
	}
	defer func() { err = errors.Join(err, p.stop()) }()
	if _, err := attack(ctx, p, &w, inFlight, s.warmUp); err != nil {
		return profile{}, err
	}
	attacked := make(chan error, 1)
	go func() {
		_, err := attack(ctx, p, &w, inFlight, s.profile+time.Second/4)
		attacked <- err
	}()
	raw, err := p.get(ctx, fmt.Sprintf("http://%s/debug/pprof/profile?seconds=%.0f", address, s.profile.Seconds()))
	if err := errors.Join(err, <-attacked); err != nil {
		return profile{}, err
	}
	file := filepath.Join(keep, "usher-"+w.name+".pprof")
	if err := os.WriteFile(file, raw, 0o644); err != nil { //nolint:gosec // nothing secret
		return profile{}, err
	}
	return readProfile(ctx, file)
}

func readProfile(ctx context.Context, file string) (profile, error) {
	traces, err := pprofSays(ctx, "-traces", file)
	if err != nil {
		return profile{}, err
	}
	top, err := pprofSays(ctx, "-top", "-cum", fmt.Sprintf("-nodecount=%d", profileRows), "-hide="+hidden, file)
	if err != nil {
		return profile{}, err
	}
	_, rows, found := strings.Cut(top, "      flat")
	if !found {
		return profile{}, fmt.Errorf("no table in the profile: %s", top)
	}
	p := profile{top: strings.TrimRight("      flat"+rows, "\n")}
	p.shares, err = shares(traces)
	return p, err
}

func pprofSays(ctx context.Context, args ...string) (string, error) {
	out, err := exec.CommandContext(ctx, "go", append([]string{"tool", "pprof"}, args...)...).Output()
	if exit, ok := errors.AsType[*exec.ExitError](err); ok {
		return "", fmt.Errorf("go tool pprof: %w: %s", err, exit.Stderr)
	}
	return string(out), err
}
