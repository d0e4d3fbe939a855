package holdings

import (
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/fatih/color"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/internal/printable"
	"usher.dev/usher/internal/table"
)

// styles are the colours of what is printed.
type styles struct{ head, good, bad, warn *color.Color }

func newStyles(enabled bool) styles {
	return styles{
		head: table.Style(enabled, color.Bold), good: table.Style(enabled, color.FgGreen),
		bad: table.Style(enabled, color.FgRed), warn: table.Style(enabled, color.FgYellow),
	}
}

// WriteText prints the description for people: a headline, what is held of GPUs
// and of the quota, who waits and who holds the most, and the conditions.
func (d *Description) WriteText(w io.Writer, colored bool) error {
	s := newStyles(colored)
	var b strings.Builder
	d.headline(&b, s)
	if d.GPU != nil {
		d.GPU.write(&b, s)
	}
	if len(d.Quota) > 0 {
		t := table.Table{table.Head(s.head, "Quota", "Limit", "Used")}
		for _, q := range d.Quota {
			t = append(t, []table.Cell{table.Plain(q.Name), table.Plain(q.Limit), s.amount(q.Used, q.Over)})
		}
		section(&b, t)
	}
	if len(d.Conditions) > 0 {
		t := table.Table{table.Head(s.head, "Condition", "Status", "Reason", "Message")}
		for _, c := range d.Conditions {
			style := s.bad
			if c.Status == metav1.ConditionTrue {
				style = s.good
			}
			t = append(t, []table.Cell{table.Plain(c.Type), {Text: string(c.Status), Style: style}, table.Plain(c.Reason), table.Plain(c.Message)})
		}
		section(&b, t)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (d *Description) headline(b *strings.Builder, s styles) {
	parts := []string{"no namespace"}
	if n := len(d.Namespaces); n > 0 {
		parts = []string{plural(n, "namespace") + " (" + strings.Join(d.Namespaces, ", ") + ")"}
	}
	switch {
	case d.Pool != "":
		parts = append(parts, strings.ToLower(string(d.Pool))+" node pool")
	default:
		parts = append(parts, "no node pool")
	}
	if d.GPU == nil {
		parts = append(parts, "no GPUs")
	}
	fmt.Fprintf(b, "%s: %s\n", s.head.Sprint(printable.Line(d.Name)), printable.Line(strings.Join(parts, ", ")))
	if !d.Ready {
		b.WriteString(s.bad.Sprint(printable.Line(fmt.Sprintf("not ready: %s: %s", d.Reason, d.Message))) + "\n")
	}
}

func (g *GPU) write(b *strings.Builder, s styles) {
	if g.Counted == nil {
		b.WriteString(s.bad.Sprint("not counted yet: no GPU is admitted until usher-controller has counted what lives") + "\n")
	}
	if bounds := g.bounds(); bounds != "" {
		b.WriteString(printable.Line(bounds) + "\n")
	}
	t := table.Table{table.Head(s.head, "GPUs", "Limit", "Used", "Reserved", "Free"), s.share("all", g.Total)}
	for _, ns := range g.Namespaces {
		t = append(t, s.share(ns.Name, ns))
	}
	section(b, t)
	if len(g.Resources) > 0 {
		t = table.Table{table.Head(s.head, "Devices", "Limit", "Used", "Reserved", "Free")}
		for _, r := range g.Resources {
			t = append(t, s.share(r.Name, r))
		}
		section(b, t)
	}
	if len(g.Reservations) > 0 {
		section(b, s.entries("Reserved for", "Until about", g.Reservations))
	}
	if len(g.Largest) > 0 {
		section(b, s.entries("Held by", "Free by", g.Largest))
		if more := g.Holders - len(g.Largest); more > 0 {
			fmt.Fprintf(b, "and %d more\n", more)
		}
	}
}

// bounds says what one pod may ask for.
func (g *GPU) bounds() string {
	var parts []string
	if g.PerPod != "" {
		parts = append(parts, "at most "+g.PerPod+" GPUs a pod")
	}
	if g.PerContainer != "" {
		parts = append(parts, "at most "+g.PerContainer+" GPUs a container")
	}
	if len(g.Models) > 0 {
		parts = append(parts, "on "+strings.Join(g.Models, ", ")+" alone")
	}
	return strings.Join(parts, ", ")
}

// WriteList prints a line for each tenant.
func WriteList(w io.Writer, all []*Description, colored bool) error {
	s := newStyles(colored)
	t := table.Table{table.Head(s.head, "Tenant", "Limit", "Used", "Reserved", "Free", "Namespaces", "Ready")}
	for _, d := range all {
		row := []table.Cell{{Text: d.Name, Style: s.head}}
		switch {
		case d.GPU == nil:
			row = append(row, table.Plain("no GPUs"), table.Plain("-"), table.Plain("-"), table.Plain("-"))
		case d.GPU.Counted == nil:
			row = append(row, table.Plain(or(d.GPU.Total.Limit)), table.Cell{Text: "not counted", Style: s.bad}, table.Plain("-"), table.Plain("-"))
		default:
			row = append(row, s.share("", d.GPU.Total)[1:]...)
		}
		ready := table.Cell{Text: "yes", Style: s.good}
		if !d.Ready {
			ready = table.Cell{Text: d.Reason, Style: s.bad}
		}
		t = append(t, append(row, table.Plain(fmt.Sprint(len(d.Namespaces))), ready))
	}
	var b strings.Builder
	t.Write(&b)
	_, err := io.WriteString(w, b.String())
	return err
}

// share is a line of amounts.
func (s styles) share(name string, a Share) []table.Cell {
	return []table.Cell{
		table.Plain(name), table.Plain(or(a.Limit)), s.amount(a.Used, a.Over), table.Plain(or(a.Reserved)), s.amount(a.Free, a.Over),
	}
}

func (s styles) amount(text string, over bool) table.Cell {
	if over {
		return table.Cell{Text: text, Style: s.bad}
	}
	return table.Plain(or(text))
}

// entries are lines of pods and claims, with a column of times if any has one.
func (s styles) entries(what, when string, list []Entry) table.Table {
	t := table.Table{table.Head(s.head, what, "GPUs", when)}
	timed := slices.ContainsFunc(list, func(e Entry) bool { return e.until() != "" })
	if !timed {
		t[0] = t[0][:2]
	}
	for _, e := range list {
		row := []table.Cell{table.Plain(e.Kind + " " + e.Namespace + "/" + e.Name), table.Plain(e.Units)}
		if until := e.until(); until != "" {
			row = append(row, table.Cell{Text: until, Style: s.warn})
		}
		t = append(t, row)
	}
	return t
}

// until is when the entry should be gone, "" if nothing says so.
func (e Entry) until() string {
	for _, t := range []*metav1.Time{e.Expires, e.FreeBy} {
		if t != nil {
			return t.UTC().Format(time.RFC3339)
		}
	}
	return ""
}

func section(b *strings.Builder, t table.Table) {
	b.WriteByte('\n')
	t.Write(b)
}

func plural(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// or is a text, or what stands for none.
func or(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
