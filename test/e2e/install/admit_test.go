//go:build linux

package install_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/nvplugin"
)

// admit declares a tenant and has its pods judged, as README's commands do.
func (s *story) admit(t *testing.T) {
	kubectl(t, "apply", "-f", sample("tenant"))
	kubectl(t, "wait", "--for=condition=Ready", "--timeout=50s", "tenant/"+tenant)
	s.tenantUID = kubectl(t, "get", "tenant", tenant, "-o", "jsonpath={.metadata.uid}")
	s.ledgerUID = kubectl(t, "get", "quotaledger", tenant, "-o", "jsonpath={.metadata.uid}")

	expectRefused(t)
	kubectl(t, "apply", "-f", sample("admitted"))
	s.training = *awaitRunning(t, tenant, "training")
	if s.training.Spec.SchedulerName != "gpu-topology-scheduler" {
		t.Errorf("its scheduler was %s", s.training.Spec.SchedulerName)
	}
	s.expectTraining(t)
	expectLedger(t, "2000000")
	await.Success(t, patience, "the agent reports what the kubelet handed out", func() (any, error) {
		held, _, err := shared.Kubectl(t.Context(), "", "get", "gpunode", "gpu-node", "-o", "jsonpath={.status.allocations[*].pod}")
		if err == nil && held != "training training" {
			err = fmt.Errorf("it reports %q", held)
		}
		return nil, err
	})
}

// expectRefused expects the API server to say no in usher's words.
func expectRefused(t *testing.T) {
	t.Helper()
	_, complaint, err := shared.Kubectl(t.Context(), "", "apply", "-f", sample("refused"))
	if err == nil {
		t.Fatal("the pod was admitted")
	}
	for _, part := range []string{`admission webhook "validate.usher.dev" denied the request`, "NVIDIA_VISIBLE_DEVICES", "8"} {
		if !strings.Contains(complaint, part) {
			t.Errorf("the denial does not say %q: %s", part, complaint)
		}
	}
}

// expectLedger expects the tenant to hold so much, in millionths of a GPU.
func expectLedger(t *testing.T, used string) {
	t.Helper()
	await.Success(t, patience, "the ledger says what the tenant holds", func() (any, error) {
		got, _, err := shared.Kubectl(t.Context(), "", "get", "quotaledger", tenant, "-o", "jsonpath={.status.used}/{.status.reservations}")
		if err == nil && got != used+"/" {
			err = fmt.Errorf("it says %q", got)
		}
		return nil, err
	})
}

// expectTraining expects the tenant's process to be the one that was started, with
// two GPUs in its hands.
func (s *story) expectTraining(t *testing.T) {
	t.Helper()
	if devices := await.Success(t, patience, "the container has its GPUs", trainingDevices); len(devices) != 2 {
		t.Errorf("it has %q", devices)
	}
	now := awaitRunning(t, tenant, "training")
	was, is := s.training.Status.ContainerStatuses, now.Status.ContainerStatuses
	if now.UID != s.training.UID || len(is) != 1 || len(was) != 1 || is[0].ContainerID != was[0].ContainerID {
		t.Errorf("the pod does not run on: %v, now %v", was, is)
	}
}

// trainingDevices are the GPUs in the environment of the process.
func trainingDevices() ([]string, error) {
	files, err := filepath.Glob("/proc/[0-9]*/environ")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		content, err := os.ReadFile(file)
		if err != nil {
			continue // The process has ended meanwhile.
		}
		for variable := range bytes.SplitSeq(content, []byte{0}) {
			if value, found := strings.CutPrefix(string(variable), nvplugin.DevicesVariable+"="); found {
				return strings.Split(value, ","), nil
			}
		}
	}
	return nil, errors.New("no process has any")
}
