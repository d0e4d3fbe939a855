package report

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"github.com/fatih/color"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/printable"
)

// styles are the colours of the parts of a text report.
type styles struct {
	place, rule, caret, good *color.Color
	modes                    map[v1alpha1.Mode]*color.Color
}

func newStyles(enabled bool) styles {
	style := func(attributes ...color.Attribute) *color.Color {
		c := color.New(attributes...)
		if enabled {
			c.EnableColor()
		} else {
			c.DisableColor()
		}
		return c
	}
	return styles{
		place: style(color.Bold),
		rule:  style(color.FgCyan),
		caret: style(color.FgGreen, color.Bold),
		good:  style(color.FgGreen),
		modes: map[v1alpha1.Mode]*color.Color{
			v1alpha1.ModeEnforce: style(color.FgRed),
			v1alpha1.ModeWarn:    style(color.FgYellow),
			v1alpha1.ModeAudit:   style(color.FgBlue),
		},
	}
}

// modeWords stand before what does not deny.
var modeWords = map[v1alpha1.Mode]string{v1alpha1.ModeWarn: "warning: ", v1alpha1.ModeAudit: "audit: "}

// writeText writes each violation in the form that editors and terminals make
// a link of, with its line below it, and a summary.
func writeText(w io.Writer, r *Report, enabled bool) error {
	s := newStyles(enabled)
	var b strings.Builder
	for _, v := range r.Violations {
		fmt.Fprintf(&b, "%s %s %s\n",
			s.place.Sprintf("%s:%d:%d:", printable.Line(v.File), v.Line, v.Column),
			s.modes[v.Mode].Sprint(modeWords[v.Mode]+printable.Line(v.Message)),
			s.rule.Sprintf("[%s]", printable.Line(v.ID())))
		s.excerpt(&b, v.Source, v.Column)
	}
	if len(r.Violations) > 0 {
		b.WriteByte('\n')
	}
	total := r.summary()
	if r.Count(v1alpha1.ModeEnforce)+len(r.Problems) > 0 {
		b.WriteString(s.modes[v1alpha1.ModeEnforce].Sprint(total))
	} else {
		b.WriteString(s.good.Sprint(total))
	}
	b.WriteByte('\n')
	_, err := io.WriteString(w, b.String())
	return err
}

// WriteProblems writes what could not be reviewed, for people.
func WriteProblems(w io.Writer, problems []Problem, enabled bool) error {
	s := newStyles(enabled)
	var b strings.Builder
	for _, p := range problems {
		switch {
		case p.File == "":
		case p.Line == 0:
			b.WriteString(s.place.Sprintf("%s: ", printable.Line(p.File)))
		default:
			b.WriteString(s.place.Sprintf("%s:%d:%d: ", printable.Line(p.File), p.Line, p.Column))
		}
		b.WriteString(s.modes[v1alpha1.ModeEnforce].Sprint("could not review: "+printable.Line(p.Message)) + "\n")
		if p.Line > 0 {
			s.excerpt(&b, p.Source, p.Column)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// summary says in a line how many there are of what.
func (r *Report) summary() string {
	var parts []string
	for _, mode := range []v1alpha1.Mode{v1alpha1.ModeEnforce, v1alpha1.ModeWarn, v1alpha1.ModeAudit} {
		word := map[v1alpha1.Mode]string{
			v1alpha1.ModeEnforce: "violation", v1alpha1.ModeWarn: "warning", v1alpha1.ModeAudit: "audit finding",
		}[mode]
		if n := r.Count(mode); n > 0 {
			parts = append(parts, Plural(n, word))
		}
	}
	if parts == nil {
		parts = []string{"no violations"}
	}
	line := strings.Join(parts, ", ") + " in " + Plural(r.Judged, "object")
	if r.Judged == 0 {
		line = "no object was judged"
	}
	if len(r.NotJudged) > 0 {
		var kinds []string
		for _, kind := range slices.Sorted(maps.Keys(r.NotJudged)) {
			kinds = append(kinds, fmt.Sprintf("%d %s", r.NotJudged[kind], kind))
		}
		line += "; not judged: " + strings.Join(kinds, ", ")
	}
	if n := len(r.Problems); n > 0 {
		line += "; " + Plural(n, "problem") + " kept usher from reviewing everything"
	}
	return line
}

// Plural counts things in words: 1 object, 2 objects.
func Plural(n int, word string) string {
	if n == 1 {
		return "1 " + word
	}
	return fmt.Sprintf("%d %ss", n, word)
}
