//go:build linux

package install_test

import "testing"

// Each step begins with what the one before has left.
func TestFromInstallToReinstall(t *testing.T) {
	if missing != nil {
		t.Skip(missing)
	}
	s := &story{}
	for _, step := range []struct {
		name string
		run  func(*story, *testing.T)
	}{
		{"install", (*story).install},
		{"the pods run as the chart says", (*story).inspect},
		{"the API server asks the webhook by its Service", (*story).inspectRegistration},
		{"a tenant's pods are refused or run", (*story).admit},
		{"doctor finds nothing but that there is one node", (*story).diagnose},
		{"a tenant's pod goes where its GPUs are linked best", (*story).rank},
		{"a webhook that dies is started again", (*story).kill},
		{"upgrade", (*story).upgrade},
		{"RBAC has refused nothing", (*story).findRefusals},
		{"uninstall", (*story).uninstall},
		{"reinstall", (*story).reinstall},
		{"RBAC has refused nothing to what came back", (*story).findRefusals},
		{"uninstall for good", (*story).uninstall},
	} {
		if !t.Run(step.name, func(t *testing.T) { step.run(s, t) }) {
			t.Fatalf("%s: the steps after it would tell nothing", step.name)
		}
	}
}
