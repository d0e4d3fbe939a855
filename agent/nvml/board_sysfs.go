package nvml

import (
	"fmt"
	"io/fs"
	"path"
	"strings"
	"testing/fstest"
)

// sysfs returns a tree laid out like the machine's /sys, as far as the agent
// reads it.
func (b board) sysfs() fs.FS {
	tree := fstest.MapFS{}
	taken := b.buses()
	for _, r := range b.roots {
		bus := strings.TrimPrefix(r.name, "pci")
		// port returns a port on the next free bus.
		port := func() string {
			for n := busNumber(bus); ; n++ {
				if next := fmt.Sprintf("%s:%02x", domainOf(bus), n); !taken[next] {
					taken[next] = true
					return next + ":00.0"
				}
			}
		}
		// A root port, the upstream port of the switch below it, and the bus of
		// that switch's downstream ports.
		upstream := path.Join("devices", r.name, bus+":01.0", port())
		inner := strings.TrimSuffix(port(), "00.0")
		below := map[string]string{}
		add := func(address string) string {
			// Functions of one device share its ports.
			device, _, _ := strings.Cut(address, ".")
			if below[device] == "" {
				below[device] = path.Join(upstream, fmt.Sprintf("%s%02x.0", inner, len(below)), port(), port())
			}
			folder := path.Join(below[device], address)
			tree[path.Join(folder, "numa_node")] = &fstest.MapFile{Data: fmt.Appendln(nil, r.numa)}
			tree[path.Join(folder, "local_cpulist")] = &fstest.MapFile{Data: fmt.Appendln(nil, b.cpus[r.numa])}
			link(tree, path.Join("bus/pci/devices", address), folder)
			return folder
		}
		for _, address := range r.gpus {
			add(address)
		}
		for _, n := range r.nics {
			link(tree, path.Join("class/infiniband", n.name), path.Join(add(n.address), "infiniband", n.name))
		}
	}
	return tree
}

// buses returns the PCI buses, such as 0000:07, that the board's devices are on.
func (b board) buses() map[string]bool {
	taken := map[string]bool{}
	add := func(address string) { taken[address[:len("0000:00")]] = true }
	for _, r := range b.roots {
		add(strings.TrimPrefix(r.name, "pci"))
		for _, address := range r.gpus {
			add(address)
		}
		for _, n := range r.nics {
			add(n.address)
		}
	}
	for _, address := range b.switches {
		add(address)
	}
	return taken
}

func domainOf(bus string) string {
	domain, _, _ := strings.Cut(bus, ":")
	return domain
}

func busNumber(bus string) int {
	var number int
	_, _ = fmt.Sscanf(bus[len("0000:"):], "%x", &number)
	return number
}

// link makes a symbolic link, relative as in sysfs.
func link(tree fstest.MapFS, name, target string) {
	up := strings.Repeat("../", strings.Count(name, "/"))
	tree[name] = &fstest.MapFile{Data: []byte(up + target), Mode: fs.ModeSymlink}
	tree[target] = &fstest.MapFile{Mode: fs.ModeDir | 0o755}
}
