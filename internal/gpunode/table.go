package gpunode

import (
	"strings"
	"unicode/utf8"

	"github.com/fatih/color"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/printable"
)

// styles are the colours of what is printed.
type styles struct{ head, nvlink, near, far, self, good, bad, warn *color.Color }

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
		head:   style(color.Bold),
		nvlink: style(color.FgGreen),
		near:   style(color.FgCyan),
		far:    style(color.FgYellow),
		self:   style(color.Faint),
		good:   style(color.FgGreen),
		warn:   style(color.FgYellow),
		bad:    style(color.FgRed),
	}
}

// link is the cell of a link by its name.
func (s styles) link(name string) cell {
	switch {
	case isNVLink(name):
		return cell{name, s.nvlink}
	case name == "PSB" || name == "PIX" || name == "PXB":
		return cell{name, s.near}
	case name == "SYS":
		return cell{name, s.far}
	case name == self:
		return cell{name, s.self}
	default:
		return plain(or(name))
	}
}

// of is the style of a health.
func (s styles) of(h v1alpha1.Health) *color.Color {
	switch h {
	case v1alpha1.Unhealthy:
		return s.bad
	case v1alpha1.Degraded:
		return s.warn
	default:
		return s.good
	}
}

// cell is a text and its style; nil is plain.
type cell struct {
	text  string
	style *color.Color
}

// print gives the text as a terminal shows it, and its width.
func (c cell) print() (styled string, width int) {
	text := printable.Line(c.text)
	if c.style == nil {
		return text, utf8.RuneCountInString(text)
	}
	return c.style.Sprint(text), utf8.RuneCountInString(text)
}

func plain(text string) cell { return cell{text: text} }

// table is rows of cells; a row may be shorter than others.
type table [][]cell

func (t table) write(b *strings.Builder) {
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
