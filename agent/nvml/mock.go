package nvml

import (
	"crypto/sha256"
	"fmt"
	"io/fs"
	"os"
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
	"github.com/NVIDIA/go-nvml/pkg/nvml/mock/server"
)

// Mock is a machine that is not there: one of NVIDIA's mock servers, with what
// they leave out filled in, and a script of what goes wrong.
//
// Its methods are its own and not the function fields of the mocks, which keep a
// record of every call for ever.
type Mock struct {
	nvml.Interface // what nobody asks is left to the server

	board   board
	server  *server.Server
	devices []*mockDevice
	now     func() time.Time

	mu     sync.Mutex
	script Script
	parts  map[int][]*mockPart
	start  time.Time
	told   map[int]bool // XIDs by position in the script
	woken  chan struct{}
	loaded bool // between nvmlInit and the loss of the driver

	file      string
	stamp     time.Time
	unread    func(error)
	checkedAt time.Time
}

// fileCheck is how often the script's file is looked at.
const fileCheck = time.Second

// NewMock returns a machine by the name of its board. Its GPUs have the same
// UUIDs whenever a node of that name is mocked.
func NewMock(name, node string) (*Mock, error) {
	b, err := boardNamed(name)
	if err != nil {
		return nil, err
	}
	base := b.server()
	m := &Mock{Interface: base, board: b, server: base, now: time.Now, woken: make(chan struct{})}
	for i, place := range b.slots() {
		model, ok := base.Devices[i].(*server.Device)
		if !ok {
			return nil, fmt.Errorf("mock of %s: device %d is a %T", name, i, base.Devices[i])
		}
		m.devices = append(m.devices, &mockDevice{
			Device: model, model: model, mock: m, index: i, slot: place,
			uuid: "GPU-" + stableUUID(node, name, fmt.Sprint(i)),
		})
	}
	return m, m.Play(Script{})
}

// stableUUID makes a UUID of words.
func stableUUID(words ...string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%q", words))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}

// Driver returns the machine's driver.
func (m *Mock) Driver(limit time.Duration) *Driver { return newDriver(m, limit, m.now) }

// Sysfs returns the machine's /sys.
func (m *Mock) Sysfs() fs.FS { return m.board.sysfs() }

// Play starts a script in place of the one before.
func (m *Mock) Play(s Script) error {
	if err := s.validate(); err != nil {
		return err
	}
	for i, f := range s.Faults {
		if f.GPU != nil && (*f.GPU < 0 || *f.GPU >= len(m.devices)) {
			return fmt.Errorf("faults[%d].gpu: there is no GPU %d", i, *f.GPU)
		}
	}
	parts, err := m.partition(s.MIG)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.script, m.parts, m.start, m.told = s, parts, m.now(), map[int]bool{}
	close(m.woken)
	m.woken = make(chan struct{})
	return nil
}

// Follow plays a script from a file, and anew whenever the file changes. A
// change that cannot be read is told, and leaves the script as it is.
func (m *Mock) Follow(file string, unread func(error)) error {
	stamp, err := m.read(file)
	if err != nil {
		return err
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	m.file, m.stamp, m.unread = file, stamp, unread
	return nil
}

func (m *Mock) read(file string) (time.Time, error) {
	info, err := os.Stat(file)
	if err != nil {
		return time.Time{}, fmt.Errorf("read script: %w", err)
	}
	data, err := os.ReadFile(file)
	if err != nil {
		return info.ModTime(), fmt.Errorf("read script: %w", err)
	}
	script, err := ParseScript(data)
	if err == nil {
		err = m.Play(script)
	}
	if err != nil {
		return info.ModTime(), fmt.Errorf("read script %s: %w", file, err)
	}
	return info.ModTime(), nil
}

// refresh plays the script's file again if it has changed.
func (m *Mock) refresh() {
	m.mu.Lock()
	file, stamp, unread := m.file, m.stamp, m.unread
	due := file != "" && m.now().Sub(m.checkedAt) >= fileCheck
	if due {
		m.checkedAt = m.now()
	}
	m.mu.Unlock()
	if !due {
		return
	}
	info, err := os.Stat(file)
	if err != nil || info.ModTime().Equal(stamp) {
		return
	}
	stamp, err = m.read(file)
	if err != nil {
		unread(err)
	}
	m.mu.Lock()
	m.stamp = stamp
	m.mu.Unlock()
}

// fault returns an active fault of a kind, of a GPU or, with index -1, of the
// driver.
func (m *Mock) fault(kind Kind, index int) (value uint64, active bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	elapsed := m.now().Sub(m.start)
	for i := range m.script.Faults {
		f := &m.script.Faults[i]
		if f.Kind != kind || !f.active(elapsed) || (index < 0) != (f.GPU == nil) || f.GPU != nil && *f.GPU != index {
			continue
		}
		if f.Value != nil {
			value = *f.Value
		}
		return value, true
	}
	return 0, false
}

// hangPoll is how often a call that hangs looks whether it may go on.
const hangPoll = 10 * time.Millisecond

// driver is what happens to every call: it may hang, or find no driver.
func (m *Mock) driver(index int) nvml.Return {
	for {
		_, all := m.fault("hang", -1)
		one := false
		if index >= 0 {
			_, one = m.fault("hang", index)
		}
		if !all && !one {
			break
		}
		time.Sleep(hangPoll)
		m.refresh()
	}
	if _, gone := m.fault("no-driver", -1); gone {
		m.mu.Lock()
		m.loaded = false
		m.mu.Unlock()
	}
	if _, wrong := m.fault("mismatch", -1); wrong {
		return nvml.ERROR_LIB_RM_VERSION_MISMATCH
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if !m.loaded {
		return nvml.ERROR_UNINITIALIZED
	}
	return nvml.SUCCESS
}

// Init is nvmlInit.
func (m *Mock) Init() nvml.Return {
	m.refresh()
	if _, gone := m.fault("no-driver", -1); gone {
		return nvml.ERROR_DRIVER_NOT_LOADED
	}
	m.mu.Lock()
	m.loaded = true
	m.mu.Unlock()
	return m.driver(-1)
}

// Shutdown is nvmlShutdown.
func (m *Mock) Shutdown() nvml.Return {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.loaded = false
	return nvml.SUCCESS
}

// Extensions says that the library has every symbol.
func (m *Mock) Extensions() nvml.ExtendedInterface { return everySymbol{} }

type everySymbol struct{}

func (everySymbol) LookupSymbol(string) error { return nil }

// SystemGetDriverVersion is nvmlSystemGetDriverVersion.
func (m *Mock) SystemGetDriverVersion() (string, nvml.Return) {
	return m.server.DriverVersion, m.driver(-1)
}

// SystemGetCudaDriverVersion is nvmlSystemGetCudaDriverVersion.
func (m *Mock) SystemGetCudaDriverVersion() (int, nvml.Return) {
	return m.server.CudaDriverVersion, m.driver(-1)
}

// DeviceGetCount is nvmlDeviceGetCount.
func (m *Mock) DeviceGetCount() (int, nvml.Return) {
	m.refresh()
	return len(m.devices), m.driver(-1)
}

// DeviceGetHandleByIndex is nvmlDeviceGetHandleByIndex.
func (m *Mock) DeviceGetHandleByIndex(index int) (nvml.Device, nvml.Return) {
	if index < 0 || index >= len(m.devices) {
		return nil, nvml.ERROR_INVALID_ARGUMENT
	}
	return m.devices[index], m.devices[index].state()
}
