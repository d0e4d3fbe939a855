package nvml

import (
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"
)

// mockEvents is a set of events that a mocked machine's script brings.
type mockEvents struct {
	nvml.EventSet
	mock       *Mock
	registered map[int]bool // guarded by the mock's mutex
}

// EventSetCreate is nvmlEventSetCreate.
func (m *Mock) EventSetCreate() (nvml.EventSet, nvml.Return) {
	return &mockEvents{mock: m, registered: map[int]bool{}}, m.driver(-1)
}

// RegisterEvents is nvmlDeviceRegisterEvents.
func (d *mockDevice) RegisterEvents(types uint64, set nvml.EventSet) nvml.Return {
	events, ok := set.(*mockEvents)
	if !ok || types != nvml.EventTypeXidCriticalError {
		return nvml.ERROR_INVALID_ARGUMENT
	}
	d.mock.mu.Lock()
	events.registered[d.index] = true
	d.mock.mu.Unlock()
	return d.state()
}

// Free is nvmlEventSetFree.
func (*mockEvents) Free() nvml.Return { return nvml.SUCCESS }

// Wait is nvmlEventSetWait.
func (s *mockEvents) Wait(milliseconds uint32) (nvml.EventData, nvml.Return) {
	deadline := time.NewTimer(time.Duration(milliseconds) * time.Millisecond)
	defer deadline.Stop()
	for {
		s.mock.refresh()
		if ret := s.mock.driver(-1); ret != nvml.SUCCESS {
			return nvml.EventData{}, ret
		}
		data, wait, woken := s.next()
		if data.Device != nil {
			return data, nvml.SUCCESS
		}
		soon := time.NewTimer(wait)
		select {
		case <-woken:
			soon.Stop()
		case <-soon.C:
		case <-deadline.C:
			soon.Stop()
			return nvml.EventData{}, nvml.ERROR_TIMEOUT
		}
	}
}

// next returns an event that is due, or how long until one may be.
func (s *mockEvents) next() (nvml.EventData, time.Duration, <-chan struct{}) {
	m := s.mock
	m.mu.Lock()
	defer m.mu.Unlock()
	wait := time.Hour
	elapsed := m.now().Sub(m.start)
	for i := range m.script.Faults {
		f := &m.script.Faults[i]
		if f.Kind != "xid" || m.told[i] || !s.registered[*f.GPU] {
			continue
		}
		if elapsed < f.After.Duration {
			wait = min(wait, f.After.Duration-elapsed)
			continue
		}
		m.told[i] = true
		return nvml.EventData{Device: m.devices[*f.GPU], EventType: nvml.EventTypeXidCriticalError, EventData: *f.Value}, 0, m.woken
	}
	return nvml.EventData{}, wait, m.woken
}
