// Package report prints what a review of manifests found: for people, for
// programs, for code scanning and for GitHub's pull requests.
package report

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"

	"usher.dev/usher/api/v1alpha1"
)

// Report is what a review found.
type Report struct {
	Violations []Violation
	// Problems are what could not be reviewed.
	Problems []Problem
	// Rules describe the checks of the policies that were asked.
	Rules []Rule
	// Judged is the number of objects that policies were asked about.
	Judged int
	// NotJudged counts the other objects by kind: what holds no pods, and what
	// is in an exempt namespace.
	NotJudged map[string]int
	// Version is usher's.
	Version string
}

// Violation is one thing that a policy found in a manifest.
type Violation struct {
	File   string `json:"file"`
	Line   int    `json:"line"`
	Column int    `json:"column"`
	Object Object `json:"object"`
	Policy string `json:"policy"`
	Check  string `json:"check"`
	// Mode is enforce for what a cluster would deny, warn for what it would
	// only tell, audit for what it would only log.
	Mode    v1alpha1.Mode `json:"mode"`
	Message string        `json:"message"`
	// Path is a JSON pointer into the object.
	Path string `json:"path"`

	// Source is the text of the line.
	Source string `json:"-"`
}

// Object names an object of a manifest.
type Object struct {
	APIVersion string `json:"apiVersion"`
	Kind       string `json:"kind"`
	Namespace  string `json:"namespace"`
	Name       string `json:"name"`
}

// Problem is something that could not be reviewed. It has no file, or no line,
// where there is none.
type Problem struct {
	File    string
	Line    int
	Column  int
	Message string
	Source  string
}

// Rule describes one check.
type Rule struct {
	Policy      string
	Check       string
	Title       string
	Description string
	Severity    string
}

// ID is how messages name a check.
func (r Rule) ID() string { return r.Policy + "/" + r.Check }

// ID is how messages name the check that found the violation.
func (v Violation) ID() string { return v.Policy + "/" + v.Check }

// Denies reports whether a cluster would deny the object.
func (v Violation) Denies() bool { return v.Mode == v1alpha1.ModeEnforce }

// Count is the number of violations of a mode.
func (r *Report) Count(mode v1alpha1.Mode) int {
	n := 0
	for _, v := range r.Violations {
		if v.Mode == mode {
			n++
		}
	}
	return n
}

// Sort orders violations and problems by their place.
func (r *Report) Sort() {
	slices.SortStableFunc(r.Violations, func(a, b Violation) int {
		return cmp.Or(
			cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column),
			cmp.Compare(a.Path, b.Path), cmp.Compare(a.ID(), b.ID()), cmp.Compare(a.Message, b.Message),
		)
	})
	slices.SortStableFunc(r.Problems, func(a, b Problem) int {
		return cmp.Or(cmp.Compare(a.File, b.File), cmp.Compare(a.Line, b.Line), cmp.Compare(a.Column, b.Column))
	})
}

// Formats are the names of the formats that Write knows.
var Formats = []string{"text", "json", "sarif", "github"}

// Write writes the report in a format; color is for text alone.
func Write(w io.Writer, r *Report, format string, color bool) error {
	switch format {
	case "text":
		return writeText(w, r, color)
	case "json":
		return writeJSON(w, r)
	case "sarif":
		return writeSARIF(w, r)
	case "github":
		return writeGitHub(w, r)
	default:
		return fmt.Errorf("unknown format %q; choose one of %s", format, strings.Join(Formats, ", "))
	}
}
