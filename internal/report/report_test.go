package report

import (
	"bytes"
	"strings"
	"testing"

	"github.com/owenrumney/go-sarif/v3/pkg/report/v210/sarif"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/golden"
)

func example() *Report {
	pod := Object{APIVersion: "v1", Kind: "Pod", Namespace: "team-a", Name: "train"}
	r := &Report{
		Version: "v1.2.3",
		Judged:  3,
		NotJudged: map[string]int{
			"ConfigMap": 2, "Service": 1,
		},
		Rules: []Rule{
			{"gpu_quota", "per-pod", "GPU quota", "a pod asks for no more GPUs than its tenant may", "high"},
			{"resource_limits", "cpu-limit", "Resource limits", "every container has a CPU limit", "medium"},
		},
		Violations: []Violation{
			{"b.yaml", 2, 1, pod, "gpu_quota", "per-pod", v1alpha1.ModeEnforce, "9 GPUs are more than the 8 of tenant \"a\"", "/spec", "spec:"},
			{"a dir/a.yaml", 12, 5, pod, "resource_limits", "cpu-limit", v1alpha1.ModeWarn, `cpu limit is not set (container "app")`, "/spec/containers/0/resources", "    resources: {}"},
			{"a dir/a.yaml", 9, 7, pod, "resource_limits", "cpu-limit", v1alpha1.ModeAudit, "50% of 1,000: done\nsecond line", "/spec/containers/0", "\t-\t{name: x}"},
			{"/abs/c.yaml", 1, 1, pod, "theirs", "unknown-here", v1alpha1.ModeEnforce, "a check of a server's", "", "apiVersion: v1"},
		},
		Problems: []Problem{
			{"z.yaml", 3, 2, "broken YAML: a tab indents this line", "\t\tx: y"},
			{"gone.yaml", 0, 0, "no such file", ""},
			{"", 0, 0, "the server does not answer", ""},
		},
	}
	r.Sort()
	return r
}

func TestFormats(t *testing.T) {
	for _, format := range Formats {
		t.Run(format, func(t *testing.T) {
			var b bytes.Buffer
			if err := Write(&b, example(), format, false); err != nil {
				t.Fatal(err)
			}
			golden.Check(t, "example."+format, b.String())
		})
	}
	t.Run("text in colour", func(t *testing.T) {
		var b bytes.Buffer
		if err := Write(&b, example(), "text", true); err != nil {
			t.Fatal(err)
		}
		golden.Check(t, "example.color", b.String())
	})
	t.Run("problems", func(t *testing.T) {
		var b bytes.Buffer
		if err := WriteProblems(&b, example().Problems, false); err != nil {
			t.Fatal(err)
		}
		golden.Check(t, "example.problems", b.String())
	})
}

func TestCleanReports(t *testing.T) {
	clean := &Report{Judged: 1}
	for format, want := range map[string]string{
		"text":   "no violations in 1 object\n",
		"json":   "[]\n",
		"github": "",
	} {
		var b bytes.Buffer
		if err := Write(&b, clean, format, false); err != nil || b.String() != want {
			t.Errorf("%s of a clean report is %q, %v, want %q", format, b.String(), err, want)
		}
	}
	if err := Write(&bytes.Buffer{}, clean, "xml", false); err == nil || !strings.Contains(err.Error(), "choose one of text, json, sarif, github") {
		t.Errorf("an unknown format: %v", err)
	}
}

func TestSARIFIsValid(t *testing.T) {
	for name, r := range map[string]*Report{"example": example(), "clean": {}} {
		var b bytes.Buffer
		if err := Write(&b, r, "sarif", false); err != nil {
			t.Fatal(err)
		}
		if _, err := sarif.FromBytes(b.Bytes(), sarif.WithStrictValidation()); err != nil {
			t.Errorf("%s: %v\n%s", name, err, b.String())
		}
	}
}

func TestExcerpts(t *testing.T) {
	long := strings.Repeat("x", 1000) + "HERE" + strings.Repeat("y", 1000)
	for _, tt := range []struct {
		name, source string
		column       int
		want         string
	}{
		{"a tab stays a tab, so that the caret stands below", "\ta: b", 2, "  \ta: b\n  \t^\n"},
		{"a place past the end", "abc", 4, "  abc\n     ^\n"},
		{"an empty line is not shown", " ", 1, ""},
		{
			"a long line is cut around the place", long, 1001,
			"  …" + strings.Repeat("x", 60) + "HERE" + strings.Repeat("y", 96) + "…\n  " + strings.Repeat(" ", 61) + "^\n",
		},
		{"the beginning of a long line", long, 1, "  " + strings.Repeat("x", 160) + "…\n  ^\n"},
		{"the end of a long line", long, len(long), "  …" + strings.Repeat("y", 160) + "\n  " + strings.Repeat(" ", 160) + "^\n"},
		{"escape sequences are shown, not obeyed", "a: \x1b[31mb\u202Ec\u0085", 1, "  a: \uFFFD[31mb\uFFFDc\uFFFD\n  ^\n"},
	} {
		var b strings.Builder
		newStyles(false).excerpt(&b, tt.source, tt.column)
		if b.String() != tt.want {
			t.Errorf("%s:\n%q, want\n%q", tt.name, b.String(), tt.want)
		}
	}
}
