package agent

import (
	"slices"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"usher.dev/usher/api/v1alpha1"
)

func TestPCIePathBetweenTwoPlaces(t *testing.T) {
	at := func(numa int32, bus ...string) Place { return Place{Bus: bus, NUMANode: &numa} }
	const root, port, up, down1, down2 = "pci0000:00", "0000:00:01.0", "0000:01:00.0", "0000:02:00.0", "0000:02:01.0"
	for _, tt := range []struct {
		name string
		a, b Place
		want v1alpha1.PCIePath
	}{
		{"two devices on one switch", at(0, root, port, up, down1, "0000:03:00.0"), at(0, root, port, up, down2, "0000:04:00.0"), "PIX"},
		{"two functions of one device", at(0, root, port, up, down1, "0000:03:00.0"), at(0, root, port, up, down1, "0000:03:00.1"), "PIX"},
		{"two devices behind one root port without a switch", at(0, root, port, "0000:01:00.0"), at(0, root, port, "0000:01:00.1"), "PIX"},
		{"one of them behind a further switch", at(0, root, port, up, down1, "0000:03:00.0"), at(0, root, port, up, down2, "0000:04:00.0", "0000:05:00.0", "0000:06:00.0"), "PXB"},
		{"both behind switches of their own", at(0, root, port, up, down1, "0000:04:00.0", "0000:05:00.0", "0000:06:00.0"), at(0, root, port, up, down2, "0000:07:00.0", "0000:08:00.0", "0000:09:00.0"), "PXB"},
		{"two root ports of one host bridge", at(0, root, port, "0000:01:00.0"), at(0, root, "0000:00:02.0", "0000:09:00.0"), "PHB"},
		{"two host bridges of one NUMA node", at(1, root, port), at(1, "pci0000:40", "0000:40:01.0"), "NODE"},
		{"two NUMA nodes", at(0, root, port), at(1, "pci0000:40", "0000:40:01.0"), "SYS"},
		{"two host bridges of unknown NUMA nodes", Place{Bus: []string{root, port}}, Place{Bus: []string{"pci0000:40", "0000:40:01.0"}}, "SYS"},
		{"a place that is not known", Place{}, at(0, root, port), ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := pathBetween(tt.a, tt.b); got != tt.want {
				t.Errorf("%q, want %q", got, tt.want)
			}
			if got := pathBetween(tt.b, tt.a); got != tt.want {
				t.Errorf("the other way round %q, want %q", got, tt.want)
			}
		})
	}
}

func TestPlaceOfADevice(t *testing.T) {
	sysfs := fakeSysfs(t, `
		bus/pci/devices/0000:07:00.0 -> ../../../devices/pci0000:00/0000:00:01.0/0000:07:00.0
		devices/pci0000:00/0000:00:01.0/0000:07:00.0/numa_node = 3
		devices/pci0000:00/0000:00:01.0/0000:07:00.0/local_cpulist = 48-63,176-191
		bus/pci/devices/10000:e1:00.0 -> ../../../devices/pci0000:e0/0000:e0:05.5/pci10000:e0/10000:e0:02.0/10000:e1:00.0
		devices/pci0000:e0/0000:e0:05.5/pci10000:e0/10000:e0:02.0/10000:e1:00.0/numa_node = -1
		bus/pci/devices/0000:08:00.0 -> ../../../devices/virtual/0000
	`)
	for _, tt := range []struct {
		name, busID string
		want        Place
	}{
		{"with a NUMA node", "0000:07:00.0", Place{Bus: []string{"pci0000:00", "0000:00:01.0", "0000:07:00.0"}, NUMANode: new(int32(3)), CPUs: "48-63,176-191"}},
		{"in a domain of five digits, without a NUMA node", "10000:e1:00.0", Place{Bus: []string{"pci0000:e0", "0000:e0:05.5", "pci10000:e0", "10000:e0:02.0", "10000:e1:00.0"}}},
		{"that sysfs does not know", "0000:99:00.0", Place{}},
		{"that is on no host bridge", "0000:08:00.0", Place{}},
		{"without an address", "", Place{}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			report(t, "place", cmp.Diff(tt.want, place(sysfs, tt.busID)))
		})
	}
	report(t, "an empty sysfs", cmp.Diff(Place{}, place(fstest.MapFS{}, "0000:07:00.0")))
}

func TestNamesAreOrderedNaturally(t *testing.T) {
	want := []string{"", "eth0", "eth1", "mlx5_0", "mlx5_2", "mlx5_10", "mlx5_10a", "mlx5_bond_0"}
	got := slices.Clone(want)
	slices.Reverse(got)
	slices.SortFunc(got, naturally)
	report(t, "order", cmp.Diff(want, got))
}

func TestNaturalOrderIsAnOrder(t *testing.T) {
	name := rapid.StringMatching(`[a-b0-2_]{0,6}`)
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := name.Draw(t, "a"), name.Draw(t, "b"), name.Draw(t, "c")
		sign := func(n int) int { return max(-1, min(1, n)) }
		if sign(naturally(a, b)) != -sign(naturally(b, a)) {
			t.Errorf("%q and %q: %d and %d", a, b, naturally(a, b), naturally(b, a))
		}
		if naturally(a, b) < 0 && naturally(b, c) < 0 && naturally(a, c) >= 0 {
			t.Errorf("%q < %q < %q, but not %[1]q < %[3]q", a, b, c)
		}
	})
}
