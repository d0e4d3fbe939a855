package report

import (
	"encoding/json"
	"io"
)

// writeJSON writes the violations as an array, an empty one if there is none.
func writeJSON(w io.Writer, r *Report) error {
	violations := r.Violations
	if violations == nil {
		violations = []Violation{}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	encoder.SetEscapeHTML(false)
	return encoder.Encode(violations)
}
