package report

import (
	"strings"

	"usher.dev/usher/internal/printable"
)

const (
	// maxExcerpt is how many characters of a line are shown; files of one long
	// line are common.
	maxExcerpt = 160
	// beforeCaret is how many of them stand before the caret in a long line.
	beforeCaret = 60
	cut         = "…"
)

// excerpt shows a line with a caret below the column.
func (s styles) excerpt(b *strings.Builder, source string, column int) {
	if strings.TrimSpace(source) == "" {
		return
	}
	line, column := clip([]rune(source), column)
	b.WriteString("  " + printable.Line(string(line)) + "\n  ")
	for _, r := range line[:min(column-1, len(line))] {
		if r != '\t' {
			r = ' '
		}
		b.WriteRune(r)
	}
	b.WriteString(s.caret.Sprint("^") + "\n")
}

// clip cuts a long line down to what surrounds the column.
func clip(line []rune, column int) ([]rune, int) {
	if len(line) <= maxExcerpt {
		return line, column
	}
	begin := max(0, min(column-1-beforeCaret, len(line)-maxExcerpt))
	end := min(len(line), begin+maxExcerpt)
	clipped := line[begin:end:end]
	if end < len(line) {
		clipped = append(clipped, []rune(cut)...)
	}
	if begin > 0 {
		clipped = append([]rune(cut), clipped...)
		column++
	}
	return clipped, column - begin
}
