package metricspage

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/prometheus/client_golang/prometheus"

	"usher.dev/usher/internal/golden"
)

// page is where the metrics are described, from a folder below cmd.
var page = filepath.Join("..", "..", "docs", "metrics.md")

// common are the metrics of every Go process, by what their names begin with.
// Which there are depends on the Go that built it.
var common = []string{"go_", "process_", "promhttp_"}

// Check compares a binary's section of the page with what the binary exports;
// with -update it writes the section.
func Check(t *testing.T, binary string, registries ...*prometheus.Registry) {
	t.Helper()
	metrics, err := describe(registries...)
	if err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	before, after, err := around(string(text), binary)
	if err != nil {
		t.Fatal(err)
	}
	golden.Check(t, filepath.Join("..", page), before+table(metrics)+after)
}

// around returns what stands before and after a binary's table.
func around(text, binary string) (before, after string, err error) {
	begin, end := "<!-- "+binary+" -->\n", "<!-- end of "+binary+" -->"
	before, rest, ok := strings.Cut(text, begin)
	_, after, closed := strings.Cut(rest, end)
	if !ok || !closed {
		return "", "", fmt.Errorf("%s: want the lines %q and %q around the table of %s", page, begin, end, binary)
	}
	return before + begin, end + after, nil
}

func table(metrics []Metric) string {
	var b strings.Builder
	b.WriteString("| metric | type | labels | what it says |\n| --- | --- | --- | --- |\n")
	escape := strings.NewReplacer("|", `\|`, "\n", " ")
	for _, m := range metrics {
		if isCommon(m.Name) {
			continue
		}
		labels := ""
		if len(m.Labels) > 0 {
			labels = "`" + strings.Join(m.Labels, "`, `") + "`"
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", m.Name, m.Type, labels, escape.Replace(m.Help))
	}
	return b.String()
}

func isCommon(name string) bool {
	for _, prefix := range common {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}
