package installation

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	"usher.dev/usher/test/e2e/controlplane"
)

// pause is between the end of a process and its next start.
const pause = 100 * time.Millisecond

// replica is a process that can be started again.
type replica interface {
	// Start starts it and waits until it is ready.
	Start(ctx context.Context) error
	// process is the one that was started last; nil: none was.
	process() *controlplane.Process
	// Release ends it for good.
	Release()
	// Probe returns the address of a probe or of the metrics.
	Probe(path string) string
	// serves returns where it serves. "": nobody.
	serves() string
	// ready and gone tell the load balancer, if there is one.
	ready()
	gone()
}

// Unit is a replica and what keeps it running.
type Unit struct {
	replica replica
	stop    context.CancelFunc
	stopped chan struct{}

	mu      sync.Mutex
	isReady chan struct{} // closed while it is ready
	process *controlplane.Process
	starts  int
	failure error
	ending  bool // the process is not to be started again
}

// run keeps a replica running until it is released.
func run(r replica) *Unit {
	ctx, stop := context.WithCancel(context.Background())
	u := &Unit{replica: r, stop: stop, stopped: make(chan struct{}), isReady: make(chan struct{})}
	go func() {
		defer close(u.stopped)
		for ctx.Err() == nil && !u.isEnding() {
			u.live(ctx)
			select {
			case <-ctx.Done():
			case <-time.After(pause):
			}
		}
	}()
	return u
}

// live is one life of the process.
func (u *Unit) live(ctx context.Context) {
	err := u.replica.Start(ctx)
	process := u.replica.process()
	defer process.Kill()
	u.began(process, err)
	if err != nil {
		return
	}
	u.replica.ready()
	select {
	case <-process.Ended():
	case <-ctx.Done():
	}
	u.replica.gone()
	u.mu.Lock()
	defer u.mu.Unlock()
	u.isReady = make(chan struct{})
}

func (u *Unit) began(process *controlplane.Process, err error) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.process, u.failure = process, err
	if err == nil {
		u.starts++
		close(u.isReady)
	}
}

// WaitReady waits until the process is ready.
func (u *Unit) WaitReady(ctx context.Context) error {
	u.mu.Lock()
	ready := u.isReady
	u.mu.Unlock()
	select {
	case <-ready:
		return nil
	case <-ctx.Done():
		u.mu.Lock()
		defer u.mu.Unlock()
		return fmt.Errorf("wait for a replica to be ready: %w; it was last started with: %w", ctx.Err(), u.failure)
	}
}

// Kill ends the process as a crash would, once it is ready; it is started again.
func (u *Unit) Kill(ctx context.Context) error {
	if err := u.WaitReady(ctx); err != nil {
		return err
	}
	u.current().Kill()
	return nil
}

// Pause stops the process where it is for a while, once it is ready: it answers
// nobody and does not know how late it is afterwards.
func (u *Unit) Pause(ctx context.Context, d time.Duration) error {
	if err := u.WaitReady(ctx); err != nil {
		return err
	}
	process := u.current()
	if err := process.Pause(); err != nil {
		return err
	}
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
	return process.Resume()
}

// Terminate ends the replica for good as a kubelet ends a pod: the process is asked
// to, and the load balancer hears of it some time later. It has to end in order.
func (u *Unit) Terminate(ctx context.Context, lag time.Duration) error {
	if err := u.WaitReady(ctx); err != nil {
		return err
	}
	u.mu.Lock()
	u.ending = true
	u.mu.Unlock()
	told := time.AfterFunc(lag, u.replica.gone)
	defer told.Stop()
	err := u.current().Stop(ctx)
	u.release()
	return err
}

// Restart asks the process to end in order; it is started again.
func (u *Unit) Restart(ctx context.Context) error {
	if err := u.WaitReady(ctx); err != nil {
		return err
	}
	return u.current().Stop(ctx)
}

func (u *Unit) isEnding() bool {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.ending
}

// CPU returns how much CPU time the process has used in this life.
func (u *Unit) CPU() (time.Duration, error) { return u.current().CPU() }

// Memory returns how many bytes of memory the process has now, and had at most in
// this life.
func (u *Unit) Memory() (now, peak int64, err error) { return u.current().Memory() }

func (u *Unit) current() *controlplane.Process {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.process
}

// Serves returns where a webhook serves, past the load balancer.
func (u *Unit) Serves() string { return u.replica.serves() }

// Starts counts how often the process has become ready.
func (u *Unit) Starts() int {
	u.mu.Lock()
	defer u.mu.Unlock()
	return u.starts
}

// Get returns the process's answer to a probe or its metrics.
func (u *Unit) Get(ctx context.Context, path string) (string, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, u.replica.Probe(path), http.NoBody)
	if err != nil {
		return "", err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", err
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("GET %s: %s: %s", path, response.Status, body)
	}
	return string(body), err
}

func (u *Unit) release() {
	u.stop()
	<-u.stopped
	u.replica.Release()
}
