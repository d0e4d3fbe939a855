package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/fatih/color"

	"usher.dev/usher/cmd/usher/policytest"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/report"
)

// writeResults prints a line for each policy, and below it what failed.
func writeResults(w io.Writer, results []policytest.Result, verbose bool, names string) error {
	good, bad := color.New(color.FgGreen), color.New(color.FgRed)
	for _, c := range []*color.Color{good, bad} {
		if colored(w) {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
	}
	var b strings.Builder
	failed, ran := 0, 0
	for _, r := range results {
		ran += len(r.Tests) + len(r.Fixtures)
		word := good.Sprint("ok  ")
		if !r.Passed() {
			failed++
			word = bad.Sprint("FAIL")
		}
		if !r.Complete && len(r.Tests)+len(r.Fixtures) == 0 {
			continue
		}
		line := fmt.Sprintf("%s  %-18s  %-14s  %-12s", word, r.Policy, report.Plural(len(r.Tests), "unit test"), report.Plural(len(r.Fixtures), "fixture"))
		if r.Complete {
			line += fmt.Sprintf("  %.1f %% covered", r.Coverage.Percent())
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
		writeDetails(&b, r, verbose)
	}
	switch {
	case ran == 0 && names != "":
		return fmt.Errorf("no unit test and no fixture has a name that matches %q; names are POLICY/NAME, `usher test -v` lists them", names)
	case failed > 0:
		fmt.Fprintf(&b, "\n%s\n", bad.Sprintf("%d of %d failed", failed, len(results)))
	}
	if _, err := io.WriteString(w, b.String()); err != nil {
		return err
	}
	if failed > 0 {
		return errFound
	}
	return nil
}

func writeDetails(b *strings.Builder, r policytest.Result, verbose bool) {
	for _, t := range r.Tests {
		if t.Outcome == engine.Passed && !verbose {
			continue
		}
		fmt.Fprintf(b, "      %-7s %s/%s (%s:%d)\n", t.Outcome, t.Policy, t.Name, t.File, t.Line)
		if t.Detail != "" {
			b.WriteString(indented("          ", t.Detail))
		}
	}
	for _, f := range r.Fixtures {
		switch {
		case f.Failure != "":
			fmt.Fprintf(b, "      failed  %s/%s (%s)\n", r.Policy, f.Name, f.File)
			b.WriteString(indented("          ", f.Failure))
		case f.Written:
			fmt.Fprintf(b, "      written %s/%s (%s)\n", r.Policy, f.Name, f.File)
		case verbose:
			fmt.Fprintf(b, "      passed  %s/%s (%s)\n", r.Policy, f.Name, f.File)
		}
	}
	for _, missing := range r.Missing {
		fmt.Fprintf(b, "      missing %s\n", missing)
	}
	if verbose && r.Complete {
		for _, lines := range r.Coverage.Missed {
			fmt.Fprintf(b, "      missed  %s\n", lines)
		}
	}
}
