// Package printable makes text that others wrote safe to show on a terminal.
package printable

import (
	"strings"
	"unicode"
)

// Line is the text on one line, with what would move the cursor, change colours
// or turn the direction of writing replaced.
func Line(text string) string {
	return strings.Map(func(r rune) rune {
		if r == '\n' {
			return ' '
		}
		if r != '\t' && unicode.IsControl(r) || unicode.Is(unicode.Bidi_Control, r) || r == '\u2028' || r == '\u2029' {
			return unicode.ReplacementChar
		}
		return r
	}, text)
}
