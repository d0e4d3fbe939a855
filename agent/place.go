package agent

import (
	"io/fs"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"usher.dev/usher/api/v1alpha1"
)

// Place is where a PCI device stands on the machine, as sysfs tells it.
type Place struct {
	// Bus is the way from the host bridge down to the device, such as
	// pci0000:00, 0000:00:01.0 (a root port), 0000:01:00.0 (a switch's upstream
	// port), 0000:02:00.0 (a downstream port), 0000:03:00.0. Empty if unknown.
	Bus []string
	// NUMANode is nil where the machine does not say.
	NUMANode *int32
	// CPUs are those near the device, as in 0-47,96-143.
	CPUs string
}

// maxCPUs is how long a list of CPUs a report holds.
const maxCPUs = 256

var (
	hostBridge = regexp.MustCompile(`^pci[0-9a-f]{4,}:[0-9a-f]{2}$`)
	pciAddress = regexp.MustCompile(`^[0-9a-f]{4,}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$`)
)

// place finds a PCI device in sysfs; what sysfs does not tell is left out.
func place(sysfs fs.FS, busID string) Place {
	if busID == "" {
		return Place{}
	}
	link := path.Join("bus/pci/devices", busID)
	target, err := fs.ReadLink(sysfs, link)
	if err != nil {
		return Place{}
	}
	return placeAt(sysfs, path.Join(path.Dir(link), target))
}

// placeAt reads a PCI device from its folder, such as
// devices/pci0000:00/0000:00:01.0/0000:01:00.0, or from one below it.
func placeAt(sysfs fs.FS, folder string) Place {
	names := strings.Split(folder, "/")
	var p Place
	end := 0
	for i, name := range names {
		if hostBridge.MatchString(name) || pciAddress.MatchString(name) {
			p.Bus = append(p.Bus, name)
			end = i + 1
		}
	}
	if len(p.Bus) < 2 {
		return Place{}
	}
	device := path.Join(names[:end]...)
	if node, err := strconv.ParseInt(readLine(sysfs, path.Join(device, "numa_node")), 10, 32); err == nil && node >= 0 {
		n := int32(node)
		p.NUMANode = &n
	}
	if cpus := readLine(sysfs, path.Join(device, "local_cpulist")); len(cpus) <= maxCPUs {
		p.CPUs = cpus
	}
	return p
}

// readLine returns a file's only line, empty if there is none.
func readLine(sysfs fs.FS, name string) string {
	data, err := fs.ReadFile(sysfs, name)
	if err != nil {
		return ""
	}
	return strings.TrimSpace(string(data))
}

// address returns the device's own PCI address.
func (p Place) address() string {
	if len(p.Bus) == 0 {
		return ""
	}
	return p.Bus[len(p.Bus)-1]
}

// pathBetween returns the closest PCIe ancestor of two devices in the words of
// nvidia-smi topo -m, empty if one's place is unknown.
func pathBetween(a, b Place) v1alpha1.PCIePath {
	if len(a.Bus) == 0 || len(b.Bus) == 0 {
		return ""
	}
	shared := 0
	for shared < min(len(a.Bus), len(b.Bus)) && a.Bus[shared] == b.Bus[shared] {
		shared++
	}
	switch {
	case shared == 0 && a.NUMANode != nil && b.NUMANode != nil && *a.NUMANode == *b.NUMANode:
		return "NODE"
	case shared == 0:
		return "SYS"
	case shared == 1:
		return "PHB"
	// Below the upstream port that both share, a device of the same switch is
	// one downstream port away; whatever is farther is behind another switch.
	case len(a.Bus)-shared <= 2 && len(b.Bus)-shared <= 2:
		return "PIX"
	default:
		return "PXB"
	}
}

// naturally orders names so that mlx5_2 comes before mlx5_10.
func naturally(a, b string) int {
	for a != "" && b != "" {
		da, db := digits(a), digits(b)
		if da == "" || db == "" {
			if a[0] != b[0] {
				return int(a[0]) - int(b[0])
			}
			a, b = a[1:], b[1:]
			continue
		}
		na, nb := strings.TrimLeft(da, "0"), strings.TrimLeft(db, "0")
		if len(na) != len(nb) {
			return len(na) - len(nb)
		}
		if na != nb {
			return strings.Compare(na, nb)
		}
		a, b = a[len(da):], b[len(db):]
	}
	return len(a) - len(b)
}

func digits(s string) string {
	end := slices.IndexFunc([]byte(s), func(c byte) bool { return c < '0' || c > '9' })
	if end < 0 {
		return s
	}
	return s[:end]
}
