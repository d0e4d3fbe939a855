package nvml

import (
	"fmt"
	"sync"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"usher.dev/usher/agent"
)

// watchdog makes calls that may never return, one at a time. A call that is late
// is left behind; until it returns, every other is refused, so that a hung
// driver holds one goroutine, and answers again once it answers that call.
type watchdog struct {
	mu sync.Mutex
	// late is the call that was left behind, nil if there is none.
	late *lateCall
}

type lateCall struct {
	name string
	done <-chan struct{}
}

// call makes one call. What a late call returns is dropped.
func call[T any](w *watchdog, name string, limit time.Duration, f func() (T, nvml.Return)) (T, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	var none T
	if w.late != nil {
		select {
		case <-w.late.done:
			w.late = nil
		default:
			return none, fmt.Errorf("%w: %s has not returned", agent.ErrHung, w.late.name)
		}
	}
	var value T
	var ret nvml.Return
	done := make(chan struct{})
	go func() {
		defer close(done)
		value, ret = f()
	}()
	timer := time.NewTimer(limit)
	defer timer.Stop()
	select {
	case <-done:
		return value, errorOf(name, ret)
	case <-timer.C:
		w.late = &lateCall{name, done}
		return none, fmt.Errorf("%w: %s has not returned", agent.ErrHung, name)
	}
}

// errorOf turns NVML's word into the agent's, nil for success.
func errorOf(name string, ret nvml.Return) error {
	var meaning error
	switch ret {
	case nvml.SUCCESS:
		return nil
	case nvml.ERROR_LIBRARY_NOT_FOUND:
		meaning = agent.ErrNoLibrary
	case nvml.ERROR_DRIVER_NOT_LOADED:
		meaning = agent.ErrNoDriver
	case nvml.ERROR_UNINITIALIZED:
		meaning = agent.ErrReloaded
	case nvml.ERROR_LIB_RM_VERSION_MISMATCH:
		meaning = agent.ErrMismatch
	case nvml.ERROR_GPU_IS_LOST:
		meaning = agent.ErrLost
	case nvml.ERROR_RESET_REQUIRED:
		meaning = agent.ErrResetRequired
	default:
		return &callError{name, ret}
	}
	return fmt.Errorf("%w (%s)", meaning, name)
}

// callError is an error of one call that means nothing beyond it.
type callError struct {
	name string
	ret  nvml.Return
}

func (e *callError) Error() string { return e.name + ": " + e.ret.Error() }
