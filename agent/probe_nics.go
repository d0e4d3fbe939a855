package agent

import (
	"context"
	"errors"
	"io/fs"
	"path"
	"slices"

	"usher.dev/usher/api/v1alpha1"
)

// maxNICs is the most that a report holds.
const maxNICs = 32

// nicsProbe tells through which network interfaces GPUs can send, and how far
// they are. Like nvidia-smi it names an interface after its RDMA device; one
// without is named after its network device. Virtual functions are left out.
var nicsProbe = Probe{
	Name:    "nics",
	Gather:  gatherNICs,
	Compute: computeNICs,
}

func gatherNICs(_ context.Context, m *Machine, f *Facts) error {
	rdma, err := nicsOf(m.Sysfs, "class/infiniband")
	if err != nil {
		return err
	}
	plain, err := nicsOf(m.Sysfs, "class/net")
	if err != nil {
		return err
	}
	for i := range rdma {
		rdma[i].RDMA = true
	}
	for _, nic := range plain {
		if !slices.ContainsFunc(rdma, func(r NICFacts) bool { return r.Place.address() == nic.Place.address() }) {
			rdma = append(rdma, nic)
		}
	}
	f.NICs = rdma[:min(len(rdma), maxNICs)]
	return nil
}

// nicsOf lists the PCI devices of a class, naturally ordered.
func nicsOf(sysfs fs.FS, class string) ([]NICFacts, error) {
	// Without its folder, the machine has no device of the class.
	entries, err := fs.ReadDir(sysfs, class)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var nics []NICFacts
	for _, entry := range entries {
		target, err := fs.ReadLink(sysfs, path.Join(class, entry.Name()))
		if err != nil {
			continue // class/net has plain files too, such as bonding_masters
		}
		nic := NICFacts{Name: entry.Name(), Place: placeAt(sysfs, path.Join(class, target))}
		if nic.Place.address() == "" || isVirtualFunction(sysfs, nic.Place) {
			continue
		}
		nics = append(nics, nic)
	}
	slices.SortFunc(nics, func(a, b NICFacts) int { return naturally(a.Name, b.Name) })
	return nics, nil
}

// isVirtualFunction says whether a device is an SR-IOV part of another.
func isVirtualFunction(sysfs fs.FS, p Place) bool {
	_, err := fs.ReadLink(sysfs, path.Join("devices", path.Join(p.Bus...), "physfn"))
	return err == nil
}

func computeNICs(f *Facts, status *v1alpha1.GPUNodeStatus) {
	status.NICs = nil
	for i, n := range f.NICs {
		nic := v1alpha1.NIC{Name: n.Name, PCIBusID: n.Place.address(), NUMANode: n.Place.NUMANode, RDMA: n.RDMA}
		nic.GPUPaths = paths(n.Place, len(f.GPUs), func(k int) Place { return f.GPUs[k].Place })
		nic.NICPaths = paths(n.Place, i, func(k int) Place { return f.NICs[k].Place })
		status.NICs = append(status.NICs, nic)
	}
}

// paths returns the paths from one place to others, nil unless all are known.
func paths(from Place, count int, to func(int) Place) []v1alpha1.PCIePath {
	var known []v1alpha1.PCIePath
	for k := range count {
		p := pathBetween(from, to(k))
		if p == "" {
			return nil
		}
		known = append(known, p)
	}
	return known
}
