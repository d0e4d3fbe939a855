package engine_test

import (
	"context"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"usher.dev/usher/internal/config"
	"usher.dev/usher/internal/engine"
	"usher.dev/usher/internal/verdict"
)

var tested = fstest.MapFS{
	"sizes/sizes.rego": {Data: []byte(`# METADATA
# title: Sizes
# custom: {checks: {size: small enough}}
package usher.sizes

import data.usher.lib.words

deny contains {"check": "size", "msg": words.much} if {
	some c in input.pod.spec.containers
	c.size > 10
}

warn contains {"check": "size", "msg": "nobody tests this"} if {
	input.pod.spec.never
}
`)},
	"sizes/sizes_test.rego": {Data: []byte(`package usher.sizes_test

import data.usher.sizes

test_large if count(sizes.deny) == 1 with input.pod.spec.containers as [{"size": 11}]

test_wrong if {
	print("looking")
	found := {v.msg | some v in sizes.deny} with input.pod.spec.containers as [{"size": 11}]
	found == {"little"}
}

todo_test_later if false

test_error if {
	1 / object.get({}, "zero", 0) == 1
}
`)},
	"lib/words_test.rego": {Data: []byte(`package usher.lib.words_test

import data.usher.lib.words

test_much if words.much == "too much"
`)},
}

var beneath = fstest.MapFS{
	"lib/words.rego":      {Data: []byte("# METADATA\n# title: Words\npackage usher.lib.words\n\nmuch := \"too much\"\n")},
	"lib/words_test.rego": {Data: []byte("package usher.lib.words_test\n\ntest_of_what_is_beneath if false\n")},
}

func TestUnitTests(t *testing.T) {
	tests, err := engine.LoadUnitTests(tested, beneath)
	if err != nil {
		t.Fatal(err)
	}
	got, err := tests.Run(context.Background(), nil)
	if err != nil {
		t.Fatal(err)
	}
	details := map[string]string{}
	for i := range got {
		details[got[i].Name] = got[i].Detail
		got[i].Detail = ""
	}
	want := []engine.UnitTest{
		{Policy: "lib.words", Name: "test_much", File: "lib/words_test.rego", Line: 5, Outcome: engine.Passed},
		{Policy: "sizes", Name: "test_large", File: "sizes/sizes_test.rego", Line: 5, Outcome: engine.Passed},
		{Policy: "sizes", Name: "test_wrong", File: "sizes/sizes_test.rego", Line: 7, Outcome: engine.Failed},
		{Policy: "sizes", Name: "todo_test_later", File: "sizes/sizes_test.rego", Line: 13, Outcome: engine.Skipped},
		{Policy: "sizes", Name: "test_error", File: "sizes/sizes_test.rego", Line: 15, Outcome: engine.Failed},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	for _, part := range []string{"sizes/sizes_test.rego:10:", `found == {"little"}`, `{"too much"}`, "looking"} {
		if !strings.Contains(details["test_wrong"], part) {
			t.Errorf("the detail of a failure lacks %q:\n%s", part, details["test_wrong"])
		}
	}

	got, err = tests.Run(context.Background(), regexp.MustCompile("^sizes/test_l"))
	if err != nil || len(got) != 1 || got[0].Name != "test_large" {
		t.Errorf("tests by name: %+v, %v", got, err)
	}
}

func TestCoverageCountsTestsAndObservations(t *testing.T) {
	tests, err := engine.LoadUnitTests(tested, beneath)
	if err != nil {
		t.Fatal(err)
	}
	if got := tests.Coverage()["sizes"].Percent(); got != 0 {
		t.Errorf("before a run %v %% are covered", got)
	}
	if _, err := tests.Run(context.Background(), nil); err != nil {
		t.Fatal(err)
	}
	got := tests.Coverage()
	want := map[string]engine.Coverage{"sizes": {Lines: 5, Covered: 3, Missed: []string{"sizes/sizes.rego:13", "sizes/sizes.rego:14"}}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("after the unit tests (-want +got)\n%s", diff)
	}

	set, err := engine.Compile(config.Default(), beneath, tested)
	if err != nil {
		t.Fatal(err)
	}
	in := verdict.Input{Pod: map[string]any{"spec": map[string]any{"never": true}}}
	if err := tests.Observe(context.Background(), set, in); err != nil {
		t.Fatal(err)
	}
	if got := tests.Coverage()["sizes"]; got.Percent() != 100 || got.Missed != nil {
		t.Errorf("after an observation: %+v", got)
	}
}

func TestUnitTestsThatCannotRun(t *testing.T) {
	for name, rego := range map[string]string{
		"not Rego":            "package usher.a\n\nnonsense nonsense\n",
		"an unknown function": "package usher.a\n\ndeny contains x if x := unheard_of(1)\n",
	} {
		tests, err := engine.LoadUnitTests(fstest.MapFS{"a/a.rego": {Data: []byte(rego)}})
		if err == nil {
			_, err = tests.Run(context.Background(), nil)
		}
		if err == nil || !strings.Contains(err.Error(), "a/a.rego:3") {
			t.Errorf("%s: %v", name, err)
		}
	}
}
