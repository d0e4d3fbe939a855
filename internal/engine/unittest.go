package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/open-policy-agent/opa/v1/ast"
	"github.com/open-policy-agent/opa/v1/cover"
	"github.com/open-policy-agent/opa/v1/tester"
	"github.com/open-policy-agent/opa/v1/topdown"
)

// unitTestTimeout bounds one unit test.
const unitTestTimeout = 30 * time.Second

// beneathPrefix sets apart the files of what the tested policies may import.
const beneathPrefix = "beneath/"

// Outcome is what became of a unit test.
type Outcome string

// What becomes of a unit test. A test whose name begins with todo_ is skipped.
const (
	Passed  Outcome = "passed"
	Failed  Outcome = "failed"
	Errored Outcome = "errored"
	Skipped Outcome = "skipped"
)

// UnitTest is the result of one Rego test rule.
type UnitTest struct {
	// Policy is the policy, or the library package as lib.<name>, that the
	// test's package is named after.
	Policy  string
	Name    string
	File    string
	Line    int
	Outcome Outcome
	// Detail says where and with which values a test failed, and what it printed.
	Detail string
}

// UnitTests are the Rego tests of a folder of policies. It collects which lines
// of the policies its runs reach.
type UnitTests struct {
	modules map[string]*ast.Module
	cover   *cover.Cover
}

// LoadUnitTests parses the policies of fsys with their tests, and without theirs
// the policies and libraries beneath that they may import.
func LoadUnitTests(fsys fs.FS, beneath ...fs.FS) (*UnitTests, error) {
	files, err := readFiles(fsys, true)
	if err != nil {
		return nil, err
	}
	t := &UnitTests{modules: map[string]*ast.Module{}, cover: cover.New()}
	var errs []error
	packages := map[string]bool{}
	for _, f := range files {
		module, err := ast.ParseModuleWithOpts(f.name, string(f.content), ast.ParserOptions{ProcessAnnotation: true})
		if err != nil {
			errs = append(errs, err)
			continue
		}
		t.modules[f.name] = module
		packages[module.Package.Path.String()] = true
	}
	if err := errors.Join(errs...); err != nil {
		return nil, err
	}
	units, err := load(beneath)
	if err != nil {
		return nil, err
	}
	for _, u := range units {
		for i, module := range u.modules {
			if !packages[module.Package.Path.String()] {
				t.modules[beneathPrefix+u.files[i].name] = module
			}
		}
	}
	return t, nil
}

// Run runs the tests whose name, <policy>/<rule>, matches; nil runs all. The
// results are in order of files and lines.
func (t *UnitTests) Run(ctx context.Context, names *regexp.Regexp) ([]UnitTest, error) {
	results, err := t.run(ctx, t.runner().SetCoverageQueryTracer(t.cover).SetCoverageRuns(nil))
	if err != nil {
		return nil, err
	}
	var tests []UnitTest
	for _, r := range results {
		policy := testedPolicy(r.Package)
		if names != nil && !names.MatchString(policy+"/"+r.Name) {
			continue
		}
		detail := strings.TrimSpace(string(r.Output))
		if r.Error != nil {
			detail = strings.TrimSpace(r.Error.Error() + "\n" + detail)
		}
		tests = append(tests, UnitTest{
			Policy: policy, Name: r.Name, File: r.Location.File, Line: r.Location.Row, Outcome: outcomeOf(r), Detail: detail,
		})
	}
	slices.SortFunc(tests, func(a, b UnitTest) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Name, b.Name))
	})
	return tests, t.explain(ctx, tests)
}

// explain runs failed tests once more, traced, which excludes measuring coverage.
func (t *UnitTests) explain(ctx context.Context, tests []UnitTest) error {
	failed := map[string]*UnitTest{}
	var names []string
	for i := range tests {
		if tests[i].Outcome == Failed {
			name := tests[i].Policy + "/" + tests[i].Name
			failed[name] = &tests[i]
			names = append(names, regexp.QuoteMeta("."+tests[i].Name))
		}
	}
	if len(failed) == 0 {
		return nil
	}
	traced, err := t.run(ctx, t.runner().EnableTracing(true).Filter("("+strings.Join(names, "|")+")$"))
	for _, r := range traced {
		if test := failed[testedPolicy(r.Package)+"/"+r.Name]; test != nil {
			test.Detail = strings.TrimSpace(failedAt(r.Trace) + "\n" + test.Detail)
		}
	}
	return err
}

// failedAt shows the last expression that failed, with the values in it.
func failedAt(trace []*topdown.Event) string {
	for _, event := range slices.Backward(trace) {
		expr, ok := event.Node.(*ast.Expr)
		if event.Op != topdown.FailOp || event.Location == nil || event.QueryID == 0 || !ok || expr.IsEvery() {
			continue
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%s:%d:\n", event.Location.File, event.Location.Row)
		if err := topdown.PrettyEvent(&b, event, topdown.PrettyEventOpts{PrettyVars: true}); err != nil {
			return err.Error()
		}
		return b.String()
	}
	return ""
}

func (t *UnitTests) runner() *tester.Runner {
	return tester.NewRunner().SetTimeout(unitTestTimeout)
}

func (t *UnitTests) run(ctx context.Context, runner *tester.Runner) ([]*tester.Result, error) {
	running, err := runner.SetModules(t.modules).RunTests(ctx, nil)
	if err != nil {
		return nil, fmt.Errorf("compile policies and their tests: %w", err)
	}
	var results []*tester.Result
	for r := range running {
		results = append(results, r)
	}
	return results, ctx.Err()
}

func outcomeOf(r *tester.Result) Outcome {
	switch {
	case r.Skip:
		return Skipped
	case r.Error != nil:
		return Errored
	case r.Fail:
		return Failed
	default:
		return Passed
	}
}

// testedPolicy is what a test's package, data.usher.<name>_test, tests.
func testedPolicy(pkg string) string {
	return strings.TrimSuffix(strings.TrimPrefix(pkg, "data.usher."), "_test")
}
