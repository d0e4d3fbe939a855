package nvml

import (
	"io/fs"
	"path"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// What nvidia-smi topo -m and the machines' manuals say of the real ones.
func TestBoardsAreThoseOfTheRealMachines(t *testing.T) {
	for name, want := range map[string]struct {
		addresses []string
		numa      []int
		lanes     int
		nics      int
		fabric    bool
	}{
		"dgxa100": {[]string{"07", "0f", "47", "4e", "87", "90", "b7", "bd"}, []int{3, 3, 1, 1, 7, 7, 5, 5}, 12, 12, false},
		"dgxh100": {[]string{"1b", "43", "52", "61", "9d", "c3", "d1", "df"}, []int{0, 0, 0, 0, 1, 1, 1, 1}, 18, 12, true},
		"dgxh200": {[]string{"1b", "43", "52", "61", "9d", "c3", "d1", "df"}, []int{0, 0, 0, 0, 1, 1, 1, 1}, 18, 12, true},
		"dgxb200": {[]string{"1b", "43", "52", "61", "9d", "c3", "d1", "df"}, []int{0, 0, 0, 0, 1, 1, 1, 1}, 18, 12, true},
	} {
		b, err := boardNamed(name)
		must(t, err)
		var addresses []string
		var numa []int
		for _, s := range b.slots() {
			addresses = append(addresses, s.address[len("0000:"):len("0000:07")])
			numa = append(numa, s.numa)
		}
		if diff := cmp.Diff(want.addresses, addresses); diff != "" || !slices.IsSorted(addresses) {
			t.Errorf("%s: addresses (-want +got)\n%s", name, diff)
		}
		if diff := cmp.Diff(want.numa, numa); diff != "" {
			t.Errorf("%s: NUMA nodes (-want +got)\n%s", name, diff)
		}
		nics := 0
		for _, r := range b.roots {
			nics += len(r.nics)
			if b.cpus[r.numa] == "" {
				t.Errorf("%s: NUMA node %d has no CPUs", name, r.numa)
			}
		}
		if b.lanes != want.lanes || nics != want.nics || b.fabric != want.fabric {
			t.Errorf("%s: %d lanes, %d NICs, fabric %t", name, b.lanes, nics, b.fabric)
		}
	}
	if _, err := boardNamed("dgxv100"); err == nil || err.Error() != `there is no mock of "dgxv100"; there is [dgxa100 dgxb200 dgxh100 dgxh200]` {
		t.Errorf("error %v", err)
	}
}

func TestAddressesOfABoardAreUnique(t *testing.T) {
	for _, name := range Boards() {
		b, err := boardNamed(name)
		must(t, err)
		seen := map[string]string{}
		must(t, fs.WalkDir(b.sysfs(), "devices", func(file string, entry fs.DirEntry, err error) error {
			if err == nil && entry.IsDir() && len(entry.Name()) == len("0000:00:00.0") {
				if other, taken := seen[entry.Name()]; taken {
					t.Errorf("%s: %s is at %s and at %s", name, entry.Name(), other, file)
				}
				seen[entry.Name()] = file
			}
			return err
		}))
		if len(seen) < 40 {
			t.Errorf("%s: only %d devices", name, len(seen))
		}
	}
}

func TestTheMocksSysfsIsLaidOutLikeTheRealOne(t *testing.T) {
	mock, err := NewMock("dgxh100", "gpu-1")
	must(t, err)
	sysfs := mock.Sysfs()
	for _, link := range []string{"bus/pci/devices/0000:1b:00.0", "class/infiniband/mlx5_0"} {
		target, err := fs.ReadLink(sysfs, link)
		must(t, err)
		if _, err := fs.Stat(sysfs, path.Join(path.Dir(link), target)); err != nil {
			t.Errorf("%s leads to %s: %v", link, target, err)
		}
	}
}

func TestGPUsOfANodeAreTheSameEveryTimeAndNoOthers(t *testing.T) {
	uuids := func(node, board string) []string {
		mock, err := NewMock(board, node)
		must(t, err)
		driver := mock.Driver(time.Minute)
		t.Cleanup(driver.Close)
		session, err := driver.Open()
		must(t, err)
		var all []string
		for _, device := range session.Devices {
			all = append(all, device.Identity().UUID)
		}
		return all
	}
	first := uuids("gpu-1", "dgxh100")
	if diff := cmp.Diff(first, uuids("gpu-1", "dgxh100")); diff != "" {
		t.Error(diff)
	}
	all := slices.Concat(first, uuids("gpu-2", "dgxh100"), uuids("gpu-1", "dgxh200"))
	slices.Sort(all)
	if n := len(slices.Compact(all)); n != 24 {
		t.Errorf("%d UUIDs of 24 GPUs", n)
	}
}
