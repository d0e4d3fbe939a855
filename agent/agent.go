package agent

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/api/equality"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/utils/clock"

	"usher.dev/usher/api/v1alpha1"
)

const (
	// eventPause is the least time between two rounds, however much the driver
	// has to tell.
	eventPause = time.Second
	// mismatchPatience is how long the agent reports that its library is too old
	// before it ends, so that its successor loads the new one.
	mismatchPatience = 30 * time.Second
	// The time between attempts to write doubles from the first to the last.
	firstRetry, lastRetry = time.Second, 15 * time.Second
)

// Agent reports one node's GPUs.
type Agent struct {
	// NodeName is the name of the Node and of its GPUNode.
	NodeName string
	// BootID is the kernel's.
	BootID  string
	Machine *Machine
	// Interval is the time between rounds, Heartbeat the longest between reports.
	Interval, Heartbeat time.Duration
	Clock               clock.Clock
	Log                 logr.Logger
	Metrics             *Metrics

	facts    Facts
	previous v1alpha1.GPUNodeStatus

	// What the store holds, as far as is known.
	restored  bool
	sequence  int64
	written   *v1alpha1.GPUNodeStatus
	writtenAt time.Time
	beat      time.Duration
	failures  int
	retryAt   time.Time

	mismatchSince time.Time
	state         atomic.Pointer[state]
}

// state is what the health endpoints tell.
type state struct {
	round    time.Time
	reported bool
	detail   string
}

// Round reads the machine once and returns the report, without boot ID,
// sequence and heartbeat.
func (a *Agent) Round(ctx context.Context) *v1alpha1.GPUNodeStatus {
	probes := Probes(a.Machine)
	a.facts.Now = a.Clock.Now()
	a.facts.Errors = map[string]error{}
	for _, p := range probes {
		began := a.Clock.Now()
		err := p.Gather(ctx, a.Machine, &a.facts)
		a.Metrics.probed(p.Name, a.Clock.Since(began), err)
		if err != nil {
			a.facts.Errors[p.Name] = err
			a.Log.V(1).Info("probe failed", "probe", p.Name, "reason", err.Error())
		}
	}
	status := compose(probes, &a.facts, &a.previous)
	a.note(status)
	a.previous = *status.DeepCopy()
	return status
}

// note logs what has changed for the operator.
func (a *Agent) note(status *v1alpha1.GPUNodeStatus) {
	before := map[string]v1alpha1.Health{}
	for _, g := range a.previous.GPUs {
		before[g.UUID] = g.Health
	}
	for _, g := range status.GPUs {
		if was, known := before[g.UUID]; g.Health != was && (known || g.Health != v1alpha1.Healthy) {
			a.Log.Info("GPU health changed", "gpu", g.UUID, "index", g.Index, "was", was, "health", g.Health, "reasons", g.HealthReasons)
		}
	}
	was := map[string]metav1.Condition{}
	for _, c := range a.previous.Conditions {
		was[c.Type] = c
	}
	for _, c := range status.Conditions {
		if was[c.Type].Status != c.Status || was[c.Type].Reason != c.Reason {
			a.Log.Info("condition changed", "condition", c.Type, "status", c.Status, "reason", c.Reason, "message", c.Message)
		}
	}
	a.Metrics.gpus(status.GPUs)
}

// Node returns the whole report.
func (a *Agent) Node(status *v1alpha1.GPUNodeStatus) *v1alpha1.GPUNode {
	now := metav1.NewTime(a.Clock.Now()).Rfc3339Copy()
	status = status.DeepCopy()
	status.BootID, status.Sequence = a.BootID, a.sequence+1
	status.Heartbeat, status.HeartbeatSeconds = &now, int32(a.Heartbeat/time.Second)
	return &v1alpha1.GPUNode{
		TypeMeta:   metav1.TypeMeta{APIVersion: v1alpha1.GroupVersion.String(), Kind: "GPUNode"},
		ObjectMeta: metav1.ObjectMeta{Name: a.NodeName},
		Status:     *status,
	}
}

// Run reports to a store until the context ends. It returns an error when only
// a new process can go on.
func (a *Agent) Run(ctx context.Context, store Store) error {
	if a.Machine.Driver != nil {
		defer a.Machine.Driver.Close()
	}
	for {
		a.step(ctx, store)
		if err := a.mismatch(); err != nil {
			return err
		}
		if !a.pause(ctx) {
			return nil
		}
	}
}

// step makes one round, and writes its report if that is due.
func (a *Agent) step(ctx context.Context, store Store) {
	if !a.restored && a.mayTry() {
		a.attempt(a.restore(ctx, store))
	}
	status := a.Round(ctx)
	if a.restored && a.mayTry() && a.due(status) {
		a.attempt(a.write(ctx, store, status))
	}
	s := &state{round: a.Clock.Now(), reported: a.written != nil}
	if before := a.state.Load(); before != nil {
		s.reported = s.reported || before.reported
	}
	if a.failures > 0 {
		s.detail = "the newest report is not written yet"
	}
	a.state.Store(s)
}

// mayTry says whether the store may be asked again.
func (a *Agent) mayTry() bool {
	now := a.Clock.Now()
	// A clock that was set back must not keep the agent silent.
	return a.failures == 0 || !now.Before(a.retryAt) || a.retryAt.Sub(now) > lastRetry
}

// attempt takes note of how an attempt to reach the store ended.
func (a *Agent) attempt(err error) {
	if err == nil {
		a.failures = 0
		return
	}
	if errors.Is(err, ErrChanged) {
		a.restored = false
	}
	wait := min(firstRetry<<min(a.failures, 10), lastRetry)
	a.failures++
	a.retryAt = a.Clock.Now().Add(jitter(wait))
	a.Log.Error(err, "not reported yet", "failures", a.failures)
}

// restore continues where the last report of the same boot ended.
func (a *Agent) restore(ctx context.Context, store Store) error {
	stored, err := store.Read(ctx)
	if err != nil {
		return fmt.Errorf("read GPUNode: %w", err)
	}
	first := a.written == nil
	a.restored, a.written = true, nil
	if stored == nil || stored.Status.BootID != a.BootID {
		return nil
	}
	a.sequence = max(a.sequence, stored.Status.Sequence)
	if first {
		a.facts.Marks = merged(restoredMarks(&stored.Status, a.Clock.Now()), a.facts.Marks)
		a.previous.GPUs = append(a.previous.GPUs, stored.Status.GPUs...)
		if len(a.previous.Conditions) == 0 {
			a.previous.Conditions = stored.Status.Conditions
		}
	}
	return nil
}

// due says whether a report must be written. What became of a write that failed
// is not known, whatever the report says by now.
func (a *Agent) due(status *v1alpha1.GPUNodeStatus) bool {
	return a.written == nil || a.failures > 0 || passed(a.writtenAt, a.Clock.Now(), a.beat) || !equality.Semantic.DeepEqual(a.written, status)
}

func (a *Agent) write(ctx context.Context, store Store, status *v1alpha1.GPUNodeStatus) error {
	node := a.Node(status)
	err := store.Write(ctx, node)
	a.Metrics.wrote(node.Status.Sequence, err)
	if err != nil {
		return fmt.Errorf("write GPUNode: %w", err)
	}
	a.sequence = node.Status.Sequence
	a.written, a.writtenAt = status, a.Clock.Now()
	a.beat = jitter(a.Heartbeat)
	a.Log.V(1).Info("reported", "sequence", a.sequence)
	return nil
}

// mismatch returns an error when a new process must load the new library.
func (a *Agent) mismatch() error {
	if !errors.Is(a.facts.Driver.Err, ErrMismatch) {
		a.mismatchSince = time.Time{}
		return nil
	}
	now := a.Clock.Now()
	if a.mismatchSince.IsZero() {
		a.mismatchSince = now
	}
	if passed(a.mismatchSince, now, mismatchPatience) {
		return a.facts.Driver.Err
	}
	return nil
}

// pause waits for the next round; false means that there is none.
func (a *Agent) pause(ctx context.Context) bool {
	var changed <-chan struct{}
	if a.Machine.Driver != nil {
		changed = a.Machine.Driver.Changed()
	}
	wait := jitter(a.Interval)
	if a.failures > 0 {
		wait = min(wait, a.retryAt.Sub(a.Clock.Now()))
	}
	select {
	case <-ctx.Done():
		return false
	case <-a.Clock.After(eventPause):
	}
	if wait <= eventPause {
		return true
	}
	select {
	case <-ctx.Done():
		return false
	case <-changed:
	case <-a.Clock.After(wait - eventPause):
	}
	return true
}

// jitter returns four fifths of a time and up to all of it, so that the agents
// of a cluster do not fall into step.
func jitter(d time.Duration) time.Duration {
	return d - rand.N(d/5+1) //nolint:gosec // no secret
}
