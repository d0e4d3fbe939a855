package catalog

import (
	"fmt"
	"html"
	"strings"

	"usher.dev/usher/internal/fixture"
)

// writeExample shows a fixture, folded: its comment and what becomes of it, then
// its files, then the verdict.
func writeExample(b *strings.Builder, f *fixture.Fixture) {
	comment := strings.Join(strings.Fields(f.Comment), " ")
	fmt.Fprintf(b, "\n<details><summary>%s: %s</summary>\n", outcome(f.Want), html.EscapeString(comment))
	for _, file := range f.Files() {
		fmt.Fprintf(b, "\n`%s`\n\n```yaml\n%s\n```\n", file.Name, strings.TrimRight(string(file.Data), "\n"))
	}
	if f.Want != nil {
		writeVerdict(b, *f.Want)
	}
	b.WriteString("\n</details>\n")
}

// outcome is what becomes of an object, in a word or two.
func outcome(v *fixture.Verdict) string {
	switch {
	case v == nil:
		return "not judged yet"
	case len(v.Deny) > 0:
		return "denied"
	case len(v.Warn) > 0:
		return "allowed with a warning"
	case len(v.Patch) > 0:
		return "mutated and allowed"
	default:
		return "allowed"
	}
}

func writeVerdict(b *strings.Builder, v fixture.Verdict) {
	for _, list := range []struct {
		word     string
		findings []fixture.Finding
	}{{"denied", v.Deny}, {"warned", v.Warn}, {"noted in the audit log", v.Audit}} {
		if len(list.findings) > 0 {
			b.WriteByte('\n')
		}
		for _, f := range list.findings {
			fmt.Fprintf(b, "- %s by `%s`", list.word, f.Check)
			if f.Path != "" {
				fmt.Fprintf(b, " at `%s`", f.Path)
			}
			fmt.Fprintf(b, ": %s\n", codeSpan(f.Message))
		}
	}
	if len(v.Patch) > 0 {
		patch := fixture.Verdict{Patch: v.Patch}
		fmt.Fprintf(b, "\nmutated by\n\n```yaml\n%s```\n", patch)
	}
}

// codeSpan shows text as it is, whatever Markdown would make of it.
func codeSpan(text string) string {
	fence := "`"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	if len(fence) > 1 {
		return fence + " " + text + " " + fence
	}
	return fence + text + fence
}
