package doctor

import (
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"

	"usher.dev/usher/internal/printable"
	"usher.dev/usher/internal/table"
)

const (
	// formVersion is that of the JSON form. Fields may be added to one version; none
	// is renamed or taken away.
	formVersion = 1
	// width is how wide paragraphs are printed, in characters.
	width = 110
)

// WriteJSON prints the report for programs, in the form of docs/doctor.md.
func (r *Report) WriteJSON(w io.Writer) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(struct {
		Version  int `json:"version"`
		Errors   int `json:"errors"`
		Warnings int `json:"warnings"`
		*Report
	}{formVersion, r.Count(Error), r.Count(Warning), r})
}

// WriteText prints the report for people: findings by severity, then what was not
// looked at, then a summary.
func (r *Report) WriteText(w io.Writer, colored bool) error {
	styles := map[Severity]*color.Color{
		Error: table.Style(colored, color.FgRed, color.Bold), Warning: table.Style(colored, color.FgYellow, color.Bold),
	}
	bold, faint := table.Style(colored, color.Bold), table.Style(colored, color.Faint)
	var b strings.Builder
	for _, severity := range severities {
		n := r.Count(severity)
		if n == 0 {
			continue
		}
		b.WriteString(styles[severity].Sprint(plural(n, string(severity), string(severity)+"s")) + "\n")
		for _, f := range r.Findings {
			if f.Severity != severity {
				continue
			}
			fmt.Fprintf(&b, "\n  %s %s\n", bold.Sprint(printable.Line(f.Object.String())), faint.Sprint("["+f.ID+"]"))
			paragraph(&b, "    ", "    ", f.Message)
			paragraph(&b, "    → ", "      ", f.Advice)
		}
		b.WriteByte('\n')
	}
	if len(r.Skipped) > 0 {
		b.WriteString(bold.Sprint("not looked at") + "\n\n")
		for _, group := range r.unseen() {
			paragraph(&b, "  ", "    ", group[0]+": "+strings.Join(group[1:], ", "))
		}
		b.WriteByte('\n')
	}
	b.WriteString(r.summary() + "\n")
	_, err := io.WriteString(w, b.String())
	return err
}

// unseen are the reasons for which checks were not made, each followed by these.
func (r *Report) unseen() (groups [][]string) {
	for _, skipped := range r.Skipped {
		at := slices.IndexFunc(groups, func(g []string) bool { return g[0] == skipped.Reason })
		if at < 0 {
			groups, at = append(groups, []string{skipped.Reason}), len(groups)
		}
		groups[at] = append(groups[at], skipped.ID)
	}
	return groups
}

func (r *Report) summary() string {
	parts := []string{plural(len(r.Passed), "check found nothing", "checks found nothing")}
	if n := len(r.Skipped); n > 0 {
		parts = append(parts, plural(n, "was not made", "were not made"))
	}
	verdict := "healthy"
	switch {
	case r.Count(Error) > 0:
		verdict = plural(r.Count(Error), "error", "errors")
		if n := r.Count(Warning); n > 0 {
			verdict += ", " + plural(n, "warning", "warnings")
		}
	case r.Count(Warning) > 0:
		verdict = "healthy, with " + plural(r.Count(Warning), "warning", "warnings")
	}
	return fmt.Sprintf("usher in %s: %s; %s", r.Namespace, verdict, strings.Join(parts, ", "))
}

// paragraph prints a text in lines of at most width characters.
func paragraph(b *strings.Builder, first, further, text string) {
	line, indent := first, len(first)
	for word := range strings.FieldsSeq(printable.Line(text)) {
		if len(line) > indent && utf8.RuneCountInString(line)+1+utf8.RuneCountInString(word) > width {
			b.WriteString(line + "\n")
			line, indent = further, len(further)
		}
		if len(line) > indent {
			line += " "
		}
		line += word
	}
	b.WriteString(line + "\n")
}
