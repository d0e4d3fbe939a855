// Package scrape reads what usher's processes measure of themselves.
package scrape

import (
	"fmt"
	"strconv"
	"strings"
)

// Sum adds up the samples of a metric in Prometheus' text format, over all of its
// labels. Zero: there is none.
func Sum(metrics, name string) (float64, error) {
	sum := 0.0
	for line := range strings.Lines(metrics) {
		rest, found := strings.CutPrefix(line, name)
		if !found || rest == "" || rest[0] != ' ' && rest[0] != '{' {
			continue
		}
		fields := strings.Fields(rest[strings.LastIndexByte(rest, '}')+1:])
		if len(fields) == 0 {
			return 0, fmt.Errorf("read metric %s: %q has no value", name, line)
		}
		value, err := strconv.ParseFloat(fields[0], 64)
		if err != nil {
			return 0, fmt.Errorf("read metric %s: %w", name, err)
		}
		sum += value
	}
	return sum, nil
}
