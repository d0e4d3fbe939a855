package nvml

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"usher.dev/usher/agent"
)

// initFactor is how much longer than any other call nvmlInit may take: without
// persistence mode it starts every GPU.
const initFactor = 6

// The time between attempts to begin a session doubles from the first to the last.
const firstRetry, lastRetry = time.Second, time.Minute

// Driver asks NVML. Its methods may be used by one goroutine at a time.
type Driver struct {
	lib   nvml.Interface
	limit time.Duration
	now   func() time.Time

	watchdog watchdog
	events   *listener
	changed  chan struct{}

	session  *session
	number   int
	failures int
	retryAt  time.Time
	failure  error
}

var _ agent.Driver = (*Driver)(nil)

// New returns the driver of this machine. limit is how long a call may take.
func New(limit time.Duration) *Driver { return newDriver(nvml.New(), limit, time.Now) }

func newDriver(lib nvml.Interface, limit time.Duration, now func() time.Time) *Driver {
	return &Driver{lib: lib, limit: limit, now: now, changed: make(chan struct{}, 1)}
}

// session is what was read once of a session.
type session struct {
	version, cuda string
	count         int
	devices       map[int]*device
}

// Open returns the session, after a look whether the driver is still the same.
func (d *Driver) Open() (*agent.Session, error) {
	if d.session == nil {
		if err := d.begin(); err != nil {
			return nil, err
		}
	}
	s := d.session
	// The cheapest question that a driver which went away no longer answers.
	if _, err := call(&d.watchdog, "nvmlDeviceGetCount", d.limit, d.lib.DeviceGetCount); err != nil {
		return nil, d.ended(err)
	}
	open := &agent.Session{Number: d.number, Version: s.version, CUDA: s.cuda}
	for i := range s.count {
		if s.devices[i] == nil {
			found, err := d.identify(i)
			if errors.Is(err, agent.ErrHung) {
				return nil, err
			}
			if err != nil {
				if open.Unknown == nil {
					open.Unknown = map[int]error{}
				}
				open.Unknown[i] = err
				continue
			}
			s.devices[i] = found
			d.events.register(found)
		}
		open.Devices = append(open.Devices, s.devices[i])
	}
	return open, nil
}

// begin begins a session, with growing pauses between attempts.
func (d *Driver) begin() error {
	now := d.now()
	if d.failure != nil && now.Before(d.retryAt) && d.retryAt.Sub(now) <= lastRetry {
		return d.failure
	}
	s, err := d.start()
	if err != nil {
		d.failure = err
		d.retryAt = now.Add(min(firstRetry<<min(d.failures, 10), lastRetry))
		d.failures++
		return err
	}
	d.failure, d.failures = nil, 0
	d.number++
	d.session = s
	return nil
}

func (d *Driver) start() (*session, error) {
	if d.events != nil && !d.events.stop(d.limit) {
		return nil, fmt.Errorf("%w: nvmlEventSetWait has not returned", agent.ErrHung)
	}
	d.events = nil
	nothing := func(f func() nvml.Return) func() (struct{}, nvml.Return) {
		return func() (struct{}, nvml.Return) { return struct{}{}, f() }
	}
	if _, err := call(&d.watchdog, "nvmlInit", initFactor*d.limit, nothing(d.lib.Init)); err != nil {
		return nil, err
	}
	s := &session{devices: map[int]*device{}}
	err := func() (err error) {
		if s.version, err = call(&d.watchdog, "nvmlSystemGetDriverVersion", d.limit, d.lib.SystemGetDriverVersion); err != nil {
			return err
		}
		cuda, err := call(&d.watchdog, "nvmlSystemGetCudaDriverVersion", d.limit, d.lib.SystemGetCudaDriverVersion)
		if err != nil {
			return err
		}
		s.cuda = fmt.Sprintf("%d.%d", cuda/1000, cuda%1000/10)
		s.count, err = call(&d.watchdog, "nvmlDeviceGetCount", d.limit, d.lib.DeviceGetCount)
		return err
	}()
	if err != nil {
		_, _ = call(&d.watchdog, "nvmlShutdown", d.limit, nothing(d.lib.Shutdown))
		return nil, err
	}
	d.events = listen(d.lib, &d.watchdog, d.limit, d.changed)
	return s, nil
}

// ended ends the session if an error says that the driver went away, and
// returns the error. A driver that hangs may go on later where it stopped.
func (d *Driver) ended(err error) error {
	for _, gone := range []error{agent.ErrNoLibrary, agent.ErrNoDriver, agent.ErrReloaded, agent.ErrMismatch} {
		if errors.Is(err, gone) {
			d.Close()
			return err
		}
	}
	return err
}

// Close ends the session.
func (d *Driver) Close() {
	if d.session == nil {
		return
	}
	d.session = nil
	if d.events != nil && !d.events.stop(d.limit) {
		// NVML must not be shut down under a call.
		return
	}
	_, _ = call(&d.watchdog, "nvmlShutdown", d.limit, func() (struct{}, nvml.Return) { return struct{}{}, d.lib.Shutdown() })
}

// Events returns XIDs since the last call.
func (d *Driver) Events() []agent.Event {
	if d.events == nil {
		return nil
	}
	return d.events.take()
}

// Changed has a value when events wait.
func (d *Driver) Changed() <-chan struct{} { return d.changed }

// listener waits for events in a goroutine of its own, since waiting is what
// that call is for.
type listener struct {
	set    nvml.EventSet
	ending chan struct{}
	ended  chan struct{}

	watchdog *watchdog
	limit    time.Duration

	mu      sync.Mutex
	waiting []agent.Event
	known   map[nvml.Device]string
}

const (
	// waitMilliseconds bounds one wait, and so how long ending one takes.
	waitMilliseconds = 1000
	// waitPause is the time after a wait that failed: the next fails at once.
	waitPause = time.Second
	// maxWaiting is the most events kept; a GPU that fails repeats itself.
	maxWaiting = 1024
)

// listen returns a listener; one that hears nothing if the driver cannot tell.
func listen(lib nvml.Interface, w *watchdog, limit time.Duration, changed chan<- struct{}) *listener {
	l := &listener{ending: make(chan struct{}), ended: make(chan struct{}), watchdog: w, limit: limit, known: map[nvml.Device]string{}}
	set, err := call(w, "nvmlEventSetCreate", limit, lib.EventSetCreate)
	if err != nil {
		close(l.ended)
		return l
	}
	l.set = set
	go l.run(changed)
	return l
}

// register asks for a GPU's XIDs. GPUs that cannot tell are judged by their
// counters alone.
func (l *listener) register(d *device) {
	if l == nil || l.set == nil {
		return
	}
	l.mu.Lock()
	l.known[d.handle] = d.identity.UUID
	l.mu.Unlock()
	_, _ = call(l.watchdog, "nvmlDeviceRegisterEvents", l.limit, func() (struct{}, nvml.Return) {
		return struct{}{}, d.handle.RegisterEvents(nvml.EventTypeXidCriticalError, l.set)
	})
}

func (l *listener) run(changed chan<- struct{}) {
	defer close(l.ended)
	for {
		select {
		case <-l.ending:
			_ = l.set.Free() // there is nobody to tell
			return
		default:
		}
		data, ret := l.set.Wait(waitMilliseconds)
		switch ret {
		case nvml.SUCCESS:
			l.add(data)
		case nvml.ERROR_TIMEOUT:
			continue
		default:
			// Such as a GPU that is lost, without saying which: the next round
			// finds out.
			select {
			case <-l.ending:
			case <-time.After(waitPause):
			}
		}
		select {
		case changed <- struct{}{}:
		default:
		}
	}
}

func (l *listener) add(data nvml.EventData) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if uuid := l.known[data.Device]; uuid != "" && len(l.waiting) < maxWaiting {
		l.waiting = append(l.waiting, agent.Event{UUID: uuid, XID: data.EventData})
	}
}

func (l *listener) take() []agent.Event {
	l.mu.Lock()
	defer l.mu.Unlock()
	events := l.waiting
	l.waiting = nil
	return events
}

// stop ends the listener; false if it has not ended in time.
func (l *listener) stop(limit time.Duration) bool {
	select {
	case <-l.ending:
	default:
		close(l.ending)
	}
	select {
	case <-l.ended:
		return true
	case <-time.After(limit + waitMilliseconds*time.Millisecond):
		return false
	}
}
