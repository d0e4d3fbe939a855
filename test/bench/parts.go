package main

import (
	"fmt"
	"regexp"
	"strings"
	"time"
)

// part is something that costs a review CPU time.
type part struct {
	name string
	// functions matches the functions that are this part.
	functions *regexp.Regexp
}

// parts are looked for from the innermost function of a stack outwards; the
// first that matches has the sample. So what a part calls in libraries and in the
// runtime (maps, allocation) is the part's, but the collector is for itself.
// That holds for cut stacks too: the profiler keeps the innermost functions,
// and OPA's recursion is deeper than what it keeps.
var parts = []part{
	{"garbage collector", regexp.MustCompile(`^runtime\.(gcBgMarkWorker|gcAssist|bgsweep|bgscavenge|deductAssistCredit)`)},
	{"growing stacks of new goroutines", regexp.MustCompile(`^runtime\.newstack$`)},
	{"Rego (OPA)", regexp.MustCompile(`^github\.com/open-policy-agent/opa/`)},
	{"engine: cache keys, inputs of the policies", regexp.MustCompile(`^usher\.dev/usher/internal/engine`)},
	{"decoding the review", regexp.MustCompile(`^usher\.dev/usher/(webhook\.DecodeReview|internal/jsondoc)`)},
	{"the rest of usher: answer, log, metrics", regexp.MustCompile(`^usher\.dev/usher/`)},
	{"HTTP/2 and TLS", regexp.MustCompile(`^(net/http|crypto/tls)\.`)},
}

// otherPart is what no part matches.
const otherPart = "scheduler and the rest of the runtime"

// shares divides a profile, as `go tool pprof -traces` prints it, among the
// parts. The result adds up to 1.
func shares(traces string) (map[string]float64, error) {
	out := map[string]float64{}
	total := 0.
	_, stacks, found := strings.Cut(traces, "\n-----------+")
	if !found {
		return nil, fmt.Errorf("no stack in the profile: %s", traces)
	}
	for stack := range strings.SplitSeq(stacks, "\n-----------+") {
		_, lines, _ := strings.Cut(stack, "\n")
		value, functions, _ := strings.Cut(strings.TrimSpace(lines), " ")
		if value == "" {
			continue
		}
		took, err := time.ParseDuration(value)
		if err != nil {
			return nil, fmt.Errorf("read the profile: %w", err)
		}
		out[partOf(strings.Split(functions, "\n"))] += took.Seconds()
		total += took.Seconds()
	}
	for name := range out {
		out[name] /= total
	}
	return out, nil
}

// partOf returns the part that a stack, innermost function first, belongs to.
func partOf(stack []string) string {
	for _, function := range stack {
		for _, p := range parts {
			if p.functions.MatchString(strings.TrimSpace(function)) {
				return p.name
			}
		}
	}
	return otherPart
}
