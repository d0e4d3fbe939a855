// Package policytest runs the tests of policies: the Rego unit tests, and the
// fixtures through engine and webhook as a cluster's requests go.
package policytest

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path"
	"regexp"
	"strings"

	"usher.dev/usher/internal/engine"
	"usher.dev/usher/policies"
)

// libFolder holds what policies share. It is tested, but is no policy.
const libFolder = "lib"

// Options say what is tested.
type Options struct {
	// FS holds the policies, a folder each.
	FS fs.FS
	// Only names the policies to test; empty tests all.
	Only []string
	// Names, if set, selects unit tests and fixtures by <policy>/<name>.
	Names *regexp.Regexp
	// Write, if set, is given every fixture whose verdict is not what it wants,
	// with the verdict that it gets.
	Write func(name string, data []byte) error
	// Progress, if set, is told what is about to run.
	Progress func(what string)
}

// Result is what became of one policy's tests.
type Result struct {
	Policy string
	// Tests are the Rego unit tests, in order of files and lines.
	Tests    []engine.UnitTest
	Fixtures []Fixture
	// Missing lists what the policy should have and has not.
	Missing  []string
	Coverage engine.Coverage
	// Complete says that nothing was left out by Names, so that Missing and
	// Coverage mean something.
	Complete bool
}

// Fixture is what became of one fixture.
type Fixture struct {
	Name    string
	File    string
	Comment string
	// Failure says how the verdict differs, or why there is none; empty: passed.
	Failure string
	// Written says that the fixture was given the verdict that it gets.
	Written bool
}

// Passed reports whether nothing failed and nothing is missing.
func (r Result) Passed() bool {
	for _, t := range r.Tests {
		if t.Outcome == engine.Failed || t.Outcome == engine.Errored {
			return false
		}
	}
	for _, f := range r.Fixtures {
		if f.Failure != "" {
			return false
		}
	}
	return len(r.Missing) == 0
}

// Run tests policies. The error says why they could not be tested, such as that
// they do not compile.
func Run(ctx context.Context, o Options) ([]Result, error) {
	folders, err := policyFolders(o.FS, o.Only)
	if err != nil {
		return nil, err
	}
	beneath := only(policies.FS, libFolder)
	o.progress("unit tests")
	unitTests, err := engine.LoadUnitTests(only(o.FS, append(folders, libFolder)...), beneath)
	if err != nil {
		return nil, err
	}
	tests, err := unitTests.Run(ctx, o.Names)
	if err != nil {
		return nil, err
	}

	var results []Result
	for _, folder := range folders {
		r := Result{Policy: folder, Complete: o.Names == nil}
		if folder != libFolder {
			subject, err := newSubject(folder, unitTests, only(o.FS, libFolder, folder), beneath)
			if err != nil {
				return nil, err
			}
			if r.Fixtures, r.Missing, err = subject.fixtures(ctx, o); err != nil {
				return nil, err
			}
		}
		results = append(results, r)
	}
	coverage := unitTests.Coverage()
	for i := range results {
		r := &results[i]
		r.Coverage = coverage[r.Policy]
		for _, t := range tests {
			if t.Policy == r.Policy || r.Policy == libFolder && strings.HasPrefix(t.Policy, libFolder+".") {
				r.Tests = append(r.Tests, t)
			}
		}
		if r.Complete && len(r.Tests) == 0 {
			r.Missing = append([]string{fmt.Sprintf("no unit test; write rules named test_… in %[1]s/%[1]s_test.rego, package usher.%[1]s_test", r.Policy)}, r.Missing...)
		}
		if !r.Complete {
			r.Missing = nil
		}
	}
	return results, ctx.Err()
}

func (o Options) progress(what string) {
	if o.Progress != nil {
		o.Progress(what)
	}
}

// policyFolders lists the folders with Rego in them that are asked for; lib is
// one where it stands beside policies.
func policyFolders(fsys fs.FS, wanted []string) ([]string, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("read policies: %w", err)
	}
	var folders []string
	have := map[string]bool{}
	for _, entry := range entries {
		rego, err := fs.Glob(fsys, path.Join(entry.Name(), "*.rego"))
		if err != nil || len(rego) == 0 || strings.HasPrefix(entry.Name(), ".") {
			continue
		}
		have[entry.Name()] = true
		folders = append(folders, entry.Name())
	}
	if len(wanted) > 0 {
		for _, name := range wanted {
			if !have[name] {
				return nil, fmt.Errorf("there is no policy %s here; there are %s", name, strings.Join(folders, ", "))
			}
		}
		folders = wanted
	}
	if len(folders) == 0 {
		return nil, errors.New("there is no policy here: a policy is a folder of .rego files; `usher policy new NAME` makes one")
	}
	return folders, nil
}
