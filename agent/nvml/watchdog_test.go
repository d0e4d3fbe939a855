package nvml

import (
	"errors"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/NVIDIA/go-nvml/pkg/nvml"

	"usher.dev/usher/agent"
)

func TestACallThatHangsIsLeftBehindAndHoldsOneGoroutine(t *testing.T) {
	var w watchdog
	hanging := make(chan struct{})
	hang := func() (int, nvml.Return) { <-hanging; return 7, nvml.SUCCESS }
	quick := func() (int, nvml.Return) { return 1, nvml.SUCCESS }
	ask := func(f func() (int, nvml.Return)) error {
		_, err := call(&w, "nvmlDeviceGetUUID", 10*time.Millisecond, f)
		return err
	}
	before := runtime.NumGoroutine()
	if err := ask(hang); !errors.Is(err, agent.ErrHung) || !strings.Contains(err.Error(), "nvmlDeviceGetUUID has not returned") {
		t.Fatalf("error %v", err)
	}
	began := time.Now()
	for range 1000 {
		if err := ask(hang); !errors.Is(err, agent.ErrHung) {
			t.Fatalf("error %v", err)
		}
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("1000 calls that were refused took %s", took)
	}
	if grown := runtime.NumGoroutine() - before; grown > 1 {
		t.Errorf("%d goroutines hang", grown)
	}
	close(hanging)
	until(t, func() bool { return ask(quick) == nil })
}

func TestWordsOfNVML(t *testing.T) {
	for ret, want := range map[nvml.Return]error{
		nvml.SUCCESS:                       nil,
		nvml.ERROR_LIBRARY_NOT_FOUND:       agent.ErrNoLibrary,
		nvml.ERROR_DRIVER_NOT_LOADED:       agent.ErrNoDriver,
		nvml.ERROR_UNINITIALIZED:           agent.ErrReloaded,
		nvml.ERROR_LIB_RM_VERSION_MISMATCH: agent.ErrMismatch,
		nvml.ERROR_GPU_IS_LOST:             agent.ErrLost,
		nvml.ERROR_RESET_REQUIRED:          agent.ErrResetRequired,
	} {
		if err := errorOf("nvmlInit", ret); !errors.Is(err, want) {
			t.Errorf("%s: %v", ret, err)
		}
	}
	if err := errorOf("nvmlInit", nvml.ERROR_UNKNOWN); err == nil || err.Error() != "nvmlInit: ERROR_UNKNOWN" {
		t.Errorf("error %v", err)
	}
}

// until waits for something that other goroutines bring about.
func until(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); !done(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("it does not come about")
		}
	}
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
