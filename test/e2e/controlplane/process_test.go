package controlplane

import (
	"context"
	"net/http"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestAServerThatEndsSaysWhyInItsLog(t *testing.T) {
	p, err := StartProcess("broken", filepath.Join(t.TempDir(), "log"), "sh", "-c", "echo no such flag; exit 3")
	if err != nil {
		t.Fatal(err)
	}
	err = p.WaitReady(t.Context(), http.DefaultClient, "http://127.0.0.1:1/readyz")
	if err == nil || !strings.Contains(err.Error(), "broken: exited") || !strings.Contains(err.Error(), "no such flag") {
		t.Errorf("got %v", err)
	}
}

func TestAServerThatIsNeverReadyIsGivenUp(t *testing.T) {
	p, err := StartProcess("idle", filepath.Join(t.TempDir(), "log"), "sleep", "60")
	if err != nil {
		t.Fatal(err)
	}
	defer p.Kill()
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if err := p.WaitReady(ctx, http.DefaultClient, "http://127.0.0.1:1/readyz"); err == nil || !strings.Contains(err.Error(), "not ready") {
		t.Errorf("got %v", err)
	}
}

func TestKillTakesAProcessAtOnce(t *testing.T) {
	p, err := StartProcess("stubborn", filepath.Join(t.TempDir(), "log"), "sh", "-c", "trap '' TERM; exec sleep 60")
	if err != nil {
		t.Fatal(err)
	}
	start := time.Now()
	p.Kill()
	p.Kill() // a second time does no harm
	if took := time.Since(start); took > 5*time.Second {
		t.Errorf("took %s", took)
	}
	select {
	case <-p.Ended():
	default:
		t.Error("the process is still there")
	}
}

func TestAProgramThatIsNotThere(t *testing.T) {
	if _, err := StartProcess("missing", filepath.Join(t.TempDir(), "log"), "/no/such/program"); err == nil {
		t.Error("started")
	}
}
