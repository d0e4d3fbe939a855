//go:build linux

package install_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
)

// diagnose has `usher doctor` look: all that it may find is that one node is one node.
func (*story) diagnose(t *testing.T) {
	output, err := exec.CommandContext(t.Context(), filepath.Join(shared.Folder(), "usher"), "doctor", "-o", "json", "--kubeconfig", filepath.Join(shared.Folder(), "admin.kubeconfig")).Output()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	var report struct {
		Findings []struct {
			ID, Message string
			Object      struct{ Name string }
		}
		Skipped []struct{ ID, Reason string }
	}
	if err := json.Unmarshal(output, &report); err != nil {
		t.Fatal(err)
	}
	for _, f := range report.Findings {
		if f.ID != "replicas" {
			t.Errorf("%s %s: %s", f.ID, f.Object.Name, f.Message)
		}
	}
	for _, s := range report.Skipped {
		t.Errorf("%s was not looked at: %s", s.ID, s.Reason)
	}
}
