package gpunode

import (
	"github.com/fatih/color"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/table"
)

// cell is a text and its style; nil is plain.
type cell = table.Cell

func plain(text string) cell { return table.Plain(text) }

func styled(text string, style *color.Color) cell { return cell{Text: text, Style: style} }

// styles are the colours of what is printed.
type styles struct{ head, nvlink, near, far, self, good, bad, warn *color.Color }

func newStyles(enabled bool) styles {
	style := func(attributes ...color.Attribute) *color.Color { return table.Style(enabled, attributes...) }
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
		return styled(name, s.nvlink)
	case name == "PSB" || name == "PIX" || name == "PXB":
		return styled(name, s.near)
	case name == "SYS":
		return styled(name, s.far)
	case name == self:
		return styled(name, s.self)
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
