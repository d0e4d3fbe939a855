package gpunode

import (
	"fmt"
	"io"
	"strings"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/printable"
	"usher.dev/usher/internal/table"
)

// notKnown stands where a report says nothing.
const notKnown = "N/A"

// Matrix prints what `nvidia-smi topo -m` prints of a node, in its order: how
// all GPUs and NICs reach each other, and the CPUs and NUMA nodes of the GPUs.
func Matrix(w io.Writer, n *v1alpha1.GPUNode, colored bool) error {
	if err := check(n); err != nil {
		return err
	}
	s := newStyles(colored)
	t := table.Table{s.heads(n)}
	gpus, nics := n.Status.GPUs, n.Status.NICs
	links := linksOf(n)
	for i, gpu := range gpus {
		row := []cell{styled(gpuName(gpu), s.head)}
		for j := range gpus {
			row = append(row, s.link(links[i][j]))
		}
		for _, nic := range nics {
			row = append(row, s.link(nicPath(nic.GPUPaths, i)))
		}
		t = append(t, append(row,
			plain(or(gpu.CPUAffinity)), plain(number(gpu.NUMANode)), plain(number(gpu.MemoryNUMANode))))
	}
	for i, nic := range nics {
		row := []cell{styled(fmt.Sprintf("NIC%d", i), s.head)}
		for j := range gpus {
			row = append(row, s.link(nicPath(nic.GPUPaths, j)))
		}
		for j, other := range nics {
			switch {
			case j < i:
				row = append(row, s.link(nicPath(nic.NICPaths, j)))
			case j == i:
				row = append(row, s.link(self))
			default:
				row = append(row, s.link(nicPath(other.NICPaths, i)))
			}
		}
		t = append(t, row)
	}
	var b strings.Builder
	t.Write(&b)
	writeLegend(&b, t)
	if len(nics) > 0 {
		b.WriteString("\nNIC legend:\n")
	}
	for i, nic := range nics {
		fmt.Fprintf(&b, "  NIC%d  %s\n", i, printable.Line(nic.Name))
	}
	_, err := io.WriteString(w, b.String())
	return err
}

// legend explains what may stand in a matrix. The names are nvidia-smi's.
var legend = [...]struct{ name, meaning string }{
	{self, "the device itself"},
	{"SYS", "the interconnect between NUMA nodes"},
	{"NODE", "PCIe host bridges of one NUMA node"},
	{"PHB", "one PCIe host bridge, mostly the CPU"},
	{"PXB", "several PCIe switches, no host bridge"},
	{"PIX", "one PCIe switch"},
	{"PSB", "one board"},
	{nvlinks, "as many NVLinks, direct or through NVSwitches"},
}

// nvlinks stands for any number of NVLinks.
const nvlinks = "NV#"

// writeLegend explains what stands in the matrix.
func writeLegend(b *strings.Builder, t table.Table) {
	stands := map[string]bool{}
	for _, row := range t {
		for _, c := range row[1:] {
			stands[c.Text] = true
			if isNVLink(c.Text) {
				stands[nvlinks] = true
			}
		}
	}
	b.WriteString("\nLegend:\n")
	for _, l := range legend {
		if stands[l.name] {
			fmt.Fprintf(b, "  %-4s  %s\n", l.name, l.meaning)
		}
	}
}

// self is the link of a device to itself.
const self = "X"

func gpuName(gpu v1alpha1.GPU) string { return fmt.Sprintf("GPU%d", gpu.Index) }

func (s styles) heads(n *v1alpha1.GPUNode) []cell {
	row := []cell{plain("")}
	for _, gpu := range n.Status.GPUs {
		row = append(row, styled(gpuName(gpu), s.head))
	}
	for i := range n.Status.NICs {
		row = append(row, styled(fmt.Sprintf("NIC%d", i), s.head))
	}
	return append(row, styled("CPU Affinity", s.head), styled("NUMA Affinity", s.head), styled("GPU NUMA ID", s.head))
}

// linksOf names the links of all pairs of GPUs.
func linksOf(n *v1alpha1.GPUNode) [][]string {
	names := make([][]string, len(n.Status.GPUs))
	for i := range names {
		names[i] = make([]string, len(names))
		names[i][i] = self
	}
	for _, l := range n.Status.Links {
		name := string(l.Path)
		if l.NVLinkLanes > 0 {
			name = fmt.Sprintf("NV%d", l.NVLinkLanes)
		}
		names[l.A][l.B], names[l.B][l.A] = name, name
	}
	return names
}

func nicPath(paths []v1alpha1.PCIePath, i int) string {
	if i < len(paths) {
		return string(paths[i])
	}
	return ""
}

func or(text string) string {
	if text == "" {
		return notKnown
	}
	return text
}

func number(n *int32) string {
	if n == nil {
		return notKnown
	}
	return fmt.Sprint(*n)
}

// isNVLink reports whether a link is named by its number of lanes.
func isNVLink(name string) bool {
	return len(name) > 2 && name[:2] == "NV" && name[2] >= '0' && name[2] <= '9'
}
