package topology

import (
	"fmt"
	"slices"
)

// Path is the closest PCIe ancestor of two devices, in growing order of
// closeness, as `nvidia-smi topo -m` names it.
type Path uint8

// The paths, farthest first.
const (
	// Unknown: the driver does not say.
	Unknown Path = iota
	// SYS crosses the interconnect between CPU sockets.
	SYS
	// NODE crosses the interconnect between host bridges of one NUMA node.
	NODE
	// PHB crosses one host bridge.
	PHB
	// PXB crosses several PCIe switches and no host bridge.
	PXB
	// PIX crosses one PCIe switch.
	PIX
	// PSB stays on one board.
	PSB
)

var pathNames = [...]string{Unknown: "", SYS: "SYS", NODE: "NODE", PHB: "PHB", PXB: "PXB", PIX: "PIX", PSB: "PSB"}

// ParsePath reads what String prints; the empty string is Unknown.
func ParsePath(name string) (Path, error) {
	if at := slices.Index(pathNames[:], name); at >= 0 {
		return Path(at), nil
	}
	return Unknown, fmt.Errorf("%q is no PCIe path; the paths are SYS, NODE, PHB, PXB, PIX and PSB", name)
}

// String is the name of the path, empty for Unknown.
func (p Path) String() string {
	if int(p) < len(pathNames) {
		return pathNames[p]
	}
	return fmt.Sprintf("Path(%d)", uint8(p))
}
