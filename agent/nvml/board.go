package nvml

import (
	"fmt"
	"slices"

	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxa100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxb200"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh100"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/dgxh200"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"
)

// board is what NVIDIA's mock servers leave out of a machine. PCI addresses of
// GPUs, NICs and NVSwitches, NUMA nodes and CPUs are those of the real DGX;
// addresses of the ports between them are made up, their levels are not.
type board struct {
	server func() *server.Server
	// roots are the host bridges with GPUs or NICs below.
	roots []root
	// cpus are the CPUs of each NUMA node.
	cpus map[int]string
	// lanes is the number of NVLinks of a GPU, spread over the switches.
	lanes int
	// switches are the PCI addresses of the NVSwitches; none where they are not
	// PCI devices of the host.
	switches []string
	// fabric says that GPUs register with a fabric manager.
	fabric bool
}

// root is a host bridge and what is below its one PCIe switch, on which every
// device has a switch of its own.
type root struct {
	name string
	numa int
	gpus []string
	nics []nic
}

type nic struct{ name, address string }

// Boards lists the machines that can be mocked.
func Boards() []string {
	names := make([]string, 0, len(boards))
	for name := range boards {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

var boards = map[string]board{
	"dgxa100": {
		server: dgxa100.New,
		roots: []root{
			{"pci0000:00", 3, []string{"0000:07:00.0", "0000:0f:00.0"}, []nic{{"mlx5_0", "0000:0c:00.0"}, {"mlx5_1", "0000:12:00.0"}}},
			{"pci0000:40", 1, []string{"0000:47:00.0", "0000:4e:00.0"}, []nic{{"mlx5_2", "0000:4b:00.0"}, {"mlx5_3", "0000:54:00.0"}}},
			{"pci0000:60", 0, nil, []nic{{"mlx5_4", "0000:61:00.0"}, {"mlx5_5", "0000:61:00.1"}}},
			{"pci0000:80", 7, []string{"0000:87:00.0", "0000:90:00.0"}, []nic{{"mlx5_6", "0000:8d:00.0"}, {"mlx5_7", "0000:94:00.0"}}},
			{"pci0000:a0", 5, []string{"0000:b7:00.0", "0000:bd:00.0"}, []nic{{"mlx5_8", "0000:ba:00.0"}, {"mlx5_9", "0000:ca:00.0"}}},
			{"pci0000:e0", 4, nil, []nic{{"mlx5_10", "0000:e1:00.0"}, {"mlx5_11", "0000:e1:00.1"}}},
		},
		cpus: map[int]string{
			0: "0-15,128-143", 1: "16-31,144-159", 2: "32-47,160-175", 3: "48-63,176-191",
			4: "64-79,192-207", 5: "80-95,208-223", 6: "96-111,224-239", 7: "112-127,240-255",
		},
		lanes:    12,
		switches: []string{"0000:c4:00.0", "0000:c5:00.0", "0000:c6:00.0", "0000:c7:00.0", "0000:c8:00.0", "0000:c9:00.0"},
	},
	"dgxh100": hopper(dgxh100.New),
	"dgxh200": hopper(dgxh200.New),
	"dgxb200": blackwell(),
}

// hopper is the board of DGX H100 and H200.
func hopper(server func() *server.Server) board {
	return board{
		server: server,
		roots: []root{
			{"pci0000:15", 0, []string{"0000:1b:00.0"}, []nic{{"mlx5_0", "0000:18:00.0"}}},
			{"pci0000:26", 0, nil, []nic{{"mlx5_1", "0000:29:00.0"}, {"mlx5_2", "0000:29:00.1"}}},
			{"pci0000:37", 0, []string{"0000:43:00.0"}, []nic{{"mlx5_3", "0000:40:00.0"}}},
			{"pci0000:48", 0, []string{"0000:52:00.0"}, []nic{{"mlx5_4", "0000:4f:00.0"}}},
			{"pci0000:59", 0, []string{"0000:61:00.0"}, []nic{{"mlx5_5", "0000:5e:00.0"}}},
			{"pci0000:97", 1, []string{"0000:9d:00.0"}, []nic{{"mlx5_6", "0000:9a:00.0"}}},
			{"pci0000:a7", 1, nil, []nic{{"mlx5_7", "0000:aa:00.0"}, {"mlx5_8", "0000:aa:00.1"}}},
			{"pci0000:b7", 1, []string{"0000:c3:00.0"}, []nic{{"mlx5_9", "0000:c0:00.0"}}},
			{"pci0000:c7", 1, []string{"0000:d1:00.0"}, []nic{{"mlx5_10", "0000:ce:00.0"}}},
			{"pci0000:d7", 1, []string{"0000:df:00.0"}, []nic{{"mlx5_11", "0000:dc:00.0"}}},
		},
		cpus:     map[int]string{0: "0-55,112-167", 1: "56-111,168-223"},
		lanes:    18,
		switches: []string{"0000:07:00.0", "0000:08:00.0", "0000:09:00.0", "0000:0a:00.0"},
		fabric:   true,
	}
}

// blackwell is hopper's board, with two NVSwitches that the host does not see.
func blackwell() board {
	b := hopper(dgxb200.New)
	b.switches = nil
	return b
}

// slot is where a GPU stands.
type slot struct {
	address string
	root    string
	numa    int
}

// slots returns the places of the GPUs, in the order of their addresses, which
// is NVML's.
func (b board) slots() []slot {
	var slots []slot
	for _, r := range b.roots {
		for _, address := range r.gpus {
			slots = append(slots, slot{address, r.name, r.numa})
		}
	}
	return slots
}

// boardNamed finds a board by its name.
func boardNamed(name string) (board, error) {
	b, ok := boards[name]
	if !ok {
		return board{}, fmt.Errorf("there is no mock of %q; there is %v", name, Boards())
	}
	return b, nil
}
