package monitoring

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// metrics are the labels of every series that queries may ask for: those of
// docs/metrics.md, which the binaries' own tests hold against what they export, what
// rules record, and what Prometheus itself has of each target.
func metrics(t *testing.T) map[string][]string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("..", "..", "docs", "metrics.md"))
	must(t, err)
	known := map[string][]string{
		"up": {}, "ALERTS": {"alertname", "alertstate", "severity"},
		"process_resident_memory_bytes": {}, // of every Go process
	}
	for _, row := range row.FindAllStringSubmatch(string(text), -1) {
		name, labels := row[1], quoted.FindAllString(row[3], -1)
		for i := range labels {
			labels[i] = strings.Trim(labels[i], "`")
		}
		if row[2] != "histogram" {
			known[name] = append(known[name], labels...)
			continue
		}
		known[name+"_bucket"] = append(labels, "le")
		known[name+"_sum"], known[name+"_count"] = labels, labels
	}
	for _, r := range rules(t) {
		if r.Record != "" {
			known[r.Record] = nil
		}
	}
	if len(known) < 40 {
		t.Fatalf("docs/metrics.md has %d metrics", len(known))
	}
	return known
}

// row is one of the page's tables: metric, type, labels.
var (
	row    = regexp.MustCompile("(?m)^\\| `([a-z0-9_]+)` \\| (counter|gauge|histogram|summary) \\| ([^|]*) \\|")
	quoted = regexp.MustCompile("`[a-z_]+`")
)
