package gpunode

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/printable"
	"usher.dev/usher/internal/table"
)

// WriteText prints the description for people: a headline, the matrix, a line for
// each GPU and MIG device, and the best free sets.
func (d *Description) WriteText(w io.Writer, colored bool) error {
	s := newStyles(colored)
	var b strings.Builder
	d.headline(&b, s)
	if len(d.GPUs) > 0 {
		b.WriteByte('\n')
		if err := Matrix(&b, d.node, colored); err != nil {
			return err
		}
		b.WriteByte('\n')
		d.devices(s).Write(&b)
	}
	if len(d.Best) > 0 {
		b.WriteByte('\n')
		d.best(s).Write(&b)
	}
	_, err := io.WriteString(w, b.String())
	return err
}

func (d *Description) headline(b *strings.Builder, s styles) {
	parts := []string{fmt.Sprintf("%d × %s", len(d.GPUs), d.models()), fmt.Sprintf("%d free", len(d.Free))}
	if len(d.GPUs) == 0 {
		parts = []string{"no GPUs"}
	}
	if d.Driver != "" {
		parts = append(parts, "driver "+d.Driver)
	}
	if d.CUDA != "" {
		parts = append(parts, "CUDA "+d.CUDA)
	}
	fmt.Fprintf(b, "%s: %s\n", s.head.Sprint(printable.Line(d.Name)), printable.Line(strings.Join(parts, ", ")))
	if !d.Ready {
		b.WriteString(s.bad.Sprint(printable.Line(fmt.Sprintf("not ready: %s: %s", d.Reason, d.Message))) + "\n")
	}
}

// models names each model once.
func (d *Description) models() string {
	var models []string
	for _, gpu := range d.node.Status.GPUs {
		if model := or(gpu.Model); !slices.Contains(models, model) {
			models = append(models, model)
		}
	}
	return strings.Join(models, " / ")
}

func (d *Description) devices(s styles) table.Table {
	t := table.Table{table.Head(s.head, "GPU", "PCI bus", "Health", "Busy", "Memory", "Held by")}
	for i, gpu := range d.GPUs {
		report := d.node.Status.GPUs[i]
		t = append(t, []cell{
			plain(gpuName(report)), plain(or(report.PCIBusID)), s.health(gpu.Health),
			percent(report.UtilizationPercent), percent(report.MemoryUsedPercent), s.heldBy(gpu),
		})
		for _, instance := range gpu.Instances {
			place := fmt.Sprintf("slices %d-%d", instance.Start, instance.Start+instance.Size-1)
			if instance.Size == 1 {
				place = fmt.Sprintf("slice %d", instance.Start)
			}
			t = append(t, []cell{
				plain(""), plain(instance.Profile), plain(place), plain(""), plain(""),
				s.holders(instance.Holders),
			})
		}
		for _, reason := range gpu.Reasons {
			text := reason.Code
			if reason.Message != "" {
				text += ": " + reason.Message
			}
			t = append(t, []cell{plain(""), styled("└ "+text, s.of(gpu.Health))})
		}
	}
	return t
}

func (d *Description) best(s styles) table.Table {
	t := table.Table{table.Head(s.head, "Pod of", "Best free GPUs", "Weight", "Weight picked", "The plugin picks")}
	for _, best := range d.Best {
		least, most := best.Picks[0].Weight, best.Picks[0].Weight
		for _, pick := range best.Picks {
			least, most = min(least, pick.Weight), max(most, pick.Weight)
		}
		style := s.good
		if least < best.Weight {
			style = s.warn
		}
		weight := fmt.Sprint(least)
		if least < most {
			weight = fmt.Sprintf("%d-%d", least, most)
		}
		t = append(t, []cell{
			plain(fmt.Sprint(best.Size)), plain(list(best.GPUs)), plain(fmt.Sprint(best.Weight)), styled(weight, style), plain(picks(best.Picks)),
		})
	}
	return t
}

// maxPicks is how many picks are listed.
const maxPicks = 4

func picks(all []Pick) string {
	var names []string
	for _, pick := range all[:min(len(all), maxPicks)] {
		names = append(names, list(pick.GPUs))
	}
	if more := len(all) - maxPicks; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return strings.Join(names, " or ")
}

func (s styles) health(h v1alpha1.Health) cell { return styled(string(h), s.of(h)) }

func percent(n int32) cell { return plain(fmt.Sprintf("%d%%", n)) }

func list(indices []int32) string {
	texts := make([]string, len(indices))
	for i, index := range indices {
		texts[i] = fmt.Sprint(index)
	}
	return strings.Join(texts, ",")
}

// heldBy names who holds a GPU as a whole or a share of it.
func (s styles) heldBy(gpu Device) cell {
	switch {
	case len(gpu.Holders) > 0:
		return s.holders(gpu.Holders)
	case gpu.MIG:
		return plain("in parts")
	case gpu.Health == v1alpha1.Unhealthy:
		return plain("nobody")
	default:
		return s.holders(nil)
	}
}

func (s styles) holders(holders []Holder) cell {
	if len(holders) == 0 {
		return styled("free", s.good)
	}
	names := make([]string, len(holders))
	for i, h := range holders {
		container := h.Container
		if h.Replica != "" {
			container += ", share " + h.Replica
		}
		names[i] = fmt.Sprintf("%s/%s (%s)", h.Namespace, h.Pod, container)
	}
	return plain(strings.Join(names, ", "))
}
