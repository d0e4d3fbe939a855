package agent

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"github.com/go-logr/logr"
	"github.com/prometheus/client_golang/prometheus"
	podresources "k8s.io/kubelet/pkg/apis/podresources/v1"
	clocktesting "k8s.io/utils/clock/testing"

	"usher.dev/usher/api/v1alpha1"
)

// noon is when tests begin.
var noon = time.Date(2026, 6, 1, 12, 0, 0, 0, time.UTC)

// fakeDriver is a driver that answers what a test sets.
type fakeDriver struct {
	session Session
	err     error
	events  []Event
	changed chan struct{}
	closed  bool
}

func newFakeDriver(devices ...*fakeDevice) *fakeDriver {
	d := &fakeDriver{session: Session{Number: 1, Version: "550.54.15", CUDA: "12.4"}, changed: make(chan struct{}, 1)}
	for i, device := range devices {
		device.identity.Index, device.identity.Minor = i, i
		d.session.Devices = append(d.session.Devices, device)
	}
	return d
}

func (d *fakeDriver) Open() (*Session, error) {
	if d.err != nil {
		return nil, d.err
	}
	session := d.session
	return &session, nil
}

func (d *fakeDriver) Events() []Event {
	events := d.events
	d.events = nil
	return events
}

func (d *fakeDriver) Changed() <-chan struct{} { return d.changed }
func (d *fakeDriver) Close()                   { d.closed = true }

// fakeDevice is a GPU that answers what a test sets.
type fakeDevice struct {
	identity Identity
	err      error
	ancestor map[string]v1alpha1.PCIePath // by the other's UUID
	links    []NVLink
	fabric   FabricState
	mig      *v1alpha1.MIG
	wear     Wear
	load     Load
}

func gpu(name string) *fakeDevice {
	return &fakeDevice{identity: Identity{UUID: "GPU-" + name, Model: "H100", MemoryMiB: 81920}}
}

func (d *fakeDevice) Identity() Identity { return d.identity }
func (d *fakeDevice) CommonAncestor(other Device) (v1alpha1.PCIePath, error) {
	return d.ancestor[other.Identity().UUID], d.err
}
func (d *fakeDevice) NVLinks() ([]NVLink, error)   { return d.links, d.err }
func (d *fakeDevice) Fabric() (FabricState, error) { return d.fabric, d.err }
func (d *fakeDevice) MIG() (*v1alpha1.MIG, error)  { return d.mig, d.err }
func (d *fakeDevice) Wear() (Wear, error)          { return d.wear, d.err }
func (d *fakeDevice) Load() (Load, error)          { return d.load, d.err }
func (d *fakeDevice) lanes(active, down int) *fakeDevice {
	d.links = nil
	for i := range active + down {
		d.links = append(d.links, NVLink{Active: i < active, Switch: true})
	}
	return d
}

// fakeSysfs is laid out like /sys: each line is "path = content" or
// "path -> target".
func fakeSysfs(t *testing.T, lines string) fs.FS {
	t.Helper()
	tree := fstest.MapFS{}
	for line := range strings.Lines(lines) {
		line = strings.TrimSpace(line)
		if name, target, ok := strings.Cut(line, " -> "); ok {
			tree[name] = &fstest.MapFile{Data: []byte(target), Mode: fs.ModeSymlink}
		} else if name, content, ok := strings.Cut(line, " = "); ok {
			tree[name] = &fstest.MapFile{Data: []byte(content + "\n")}
		} else if line != "" {
			t.Fatalf("fake sysfs: %q is neither a file nor a link", line)
		}
	}
	return tree
}

// fakeKubelet answers what a test sets, or an error.
type fakeKubelet struct {
	allocatable []*podresources.ContainerDevices
	pods        []*podresources.PodResources
	err         error
}

func (k *fakeKubelet) Allocatable(context.Context) ([]*podresources.ContainerDevices, error) {
	return k.allocatable, k.err
}

func (k *fakeKubelet) Pods(context.Context) ([]*podresources.PodResources, error) {
	return k.pods, k.err
}

func devices(resource string, ids ...string) *podresources.ContainerDevices {
	return &podresources.ContainerDevices{ResourceName: resource, DeviceIds: ids}
}

func pod(name string, held ...*podresources.ContainerDevices) *podresources.PodResources {
	return &podresources.PodResources{Namespace: "team-a", Name: name, Containers: []*podresources.ContainerResources{{Name: "main", Devices: held}}}
}

// fakeStore keeps reports in memory.
type fakeStore struct {
	mu     sync.Mutex
	stored *v1alpha1.GPUNode
	err    error
	writes []*v1alpha1.GPUNode
	asked  int
}

var errAway = errors.New("the API server is away")

func (s *fakeStore) Read(context.Context) (*v1alpha1.GPUNode, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	return s.stored.DeepCopy(), s.err
}

func (s *fakeStore) Write(_ context.Context, node *v1alpha1.GPUNode) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.asked++
	if s.err != nil {
		return s.err
	}
	if s.stored != nil && s.stored.Status.BootID == node.Status.BootID && s.stored.Status.Sequence > node.Status.Sequence {
		return fmt.Errorf("%w: sequence %d is lower than %d", ErrChanged, node.Status.Sequence, s.stored.Status.Sequence)
	}
	s.stored = node.DeepCopy()
	s.writes = append(s.writes, node.DeepCopy())
	return nil
}

// newAgent returns an agent with a clock that tests move.
func newAgent(machine *Machine) (*Agent, *clocktesting.FakeClock) {
	if machine.Sysfs == nil {
		machine.Sysfs = fstest.MapFS{}
	}
	clock := clocktesting.NewFakeClock(noon)
	return &Agent{
		NodeName: "gpu-1", BootID: "boot-1", Machine: machine,
		Interval: 10 * time.Second, Heartbeat: time.Minute,
		Clock: clock, Log: logr.Discard(), Metrics: NewMetrics(prometheus.NewRegistry()),
	}, clock
}

// gathered runs one probe's Gather on a fresh round.
func gathered(t *testing.T, f *Facts, m *Machine, probes ...Probe) error {
	t.Helper()
	if m.Sysfs == nil {
		m.Sysfs = fstest.MapFS{}
	}
	var errs []error
	for _, p := range probes {
		errs = append(errs, p.Gather(t.Context(), m, f))
	}
	return errors.Join(errs...)
}

// computed runs the pure part of probes.
func computed(f *Facts, probes ...Probe) *v1alpha1.GPUNodeStatus {
	status := &v1alpha1.GPUNodeStatus{}
	for _, p := range probes {
		p.Compute(f, status)
	}
	return status
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func report(t *testing.T, what, diff string) {
	t.Helper()
	if diff != "" {
		t.Errorf("%s (-want +got)\n%s", what, diff)
	}
}
