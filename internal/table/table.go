// Package table prints rows of cells in columns, with colours if wanted.
package table

import (
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"

	"usher.dev/usher/internal/printable"
)

// Style makes a colour that is used if enabled.
func Style(enabled bool, attributes ...color.Attribute) *color.Color {
	c := color.New(attributes...)
	if enabled {
		c.EnableColor()
	} else {
		c.DisableColor()
	}
	return c
}

// Cell is a text and its style; nil is plain.
type Cell struct {
	Text  string
	Style *color.Color
}

// Plain is a cell without a style.
func Plain(text string) Cell { return Cell{Text: text} }

// print gives the text as a terminal shows it, and its width.
func (c Cell) print() (styled string, width int) {
	text := printable.Line(c.Text)
	if c.Style == nil {
		return text, utf8.RuneCountInString(text)
	}
	return c.Style.Sprint(text), utf8.RuneCountInString(text)
}

// Table is rows of cells; a row may be shorter than others.
type Table [][]Cell

// Head is a row of column names.
func Head(style *color.Color, names ...string) []Cell {
	row := make([]Cell, len(names))
	for i, name := range names {
		row[i] = Cell{name, style}
	}
	return row
}

// Write prints the table.
func (t Table) Write(b *strings.Builder) {
	var widths []int
	for _, row := range t {
		// What ends a row needs no room: nothing follows.
		for i, c := range row[:len(row)-1] {
			if i == len(widths) {
				widths = append(widths, 0)
			}
			_, width := c.print()
			widths[i] = max(widths[i], width)
		}
	}
	for _, row := range t {
		for i, c := range row {
			text, width := c.print()
			b.WriteString(text)
			if i < len(row)-1 {
				b.WriteString(strings.Repeat(" ", widths[i]+2-width))
			}
		}
		b.WriteByte('\n')
	}
}
