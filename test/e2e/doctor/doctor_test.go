package doctor

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"usher.dev/usher/test/e2e/repository"
)

// TestDoctor finds nothing in an installation that is whole, each fault that is
// planted in it, and nothing again once that is repaired.
func TestDoctor(t *testing.T) {
	s := start(t)
	s.grantDoctor(t)
	s.healthy(t)

	t.Run("text says that all is well", func(t *testing.T) {
		code, stdout, stderr := s.doctor(t, "--kubeconfig", s.path("doctor.kubeconfig"))
		if code != 0 || !strings.HasPrefix(stdout, "usher in usher-system: healthy; ") || stderr != "" {
			t.Errorf("exit %d: %s%s", code, stdout, stderr)
		}
	})
	t.Run("what may not be read is named", func(t *testing.T) {
		s.user(t, "nobody")
		code, stdout, stderr := s.doctor(t, "--kubeconfig", s.path("nobody.kubeconfig"))
		if code != 2 || stdout != "" || !strings.Contains(stderr, "no right to list namespaces") {
			t.Errorf("nobody: exit %d: %s%s", code, stdout, stderr)
		}
		s.kubectl(t, "create", "clusterrole", "some", "--verb=list", "--resource=validatingwebhookconfigurations,mutatingwebhookconfigurations,nodes,gpunodes")
		s.kubectl(t, "create", "clusterrolebinding", "some", "--clusterrole=some", "--user=nobody")
		s.eventually(t, "a report on what may be read", func() error {
			code, stdout, stderr = s.doctor(t, "--kubeconfig", s.path("nobody.kubeconfig"))
			if code != 0 || !strings.Contains(stdout, "no right to list deployments: ") || !strings.Contains(stdout, "healthy; ") {
				return fmt.Errorf("exit %d: %s%s", code, stdout, stderr)
			}
			return nil
		})
	})
	t.Run("no cluster", func(t *testing.T) {
		if code, _, stderr := s.doctor(t, "--kubeconfig", s.path("nothing")); code != 2 || !strings.HasPrefix(stderr, "usher: connect to the cluster: ") {
			t.Errorf("exit %d: %s", code, stderr)
		}
	})
	t.Run("what kubectl wrote down is looked at without the cluster", func(t *testing.T) {
		encodedObjects, err := repository.Encode(s.objects...)
		must(t, err)
		file := s.write(t, "objects.json", encodedObjects)
		code, stdout, stderr := s.doctor(t, "-f", file)
		if code != 0 || !strings.Contains(stdout, "only a cluster can tell: certificate-served, readiness, ") {
			t.Errorf("exit %d: %s%s", code, stdout, stderr)
		}
	})

	t.Run("doctor knows what the API server asks usher about", func(t *testing.T) {
		for _, w := range s.webhooks {
			w.Kill()
		}
		s.asOracle(t)
		for _, w := range s.webhooks {
			must(t, w.Start(t.Context()))
		}
		s.healthy(t)
	})

	for _, f := range faults() {
		t.Run(f.id+": "+f.name, func(t *testing.T) {
			f.plant(t, s)
			repaired := false
			repair := func() {
				if !repaired {
					repaired = true
					f.repair(t, s)
				}
			}
			defer repair()
			s.eventually(t, "the fault is found", func() error {
				r, code := s.examine(t)
				found := r.of(f.id)
				switch {
				case found == nil:
					return fmt.Errorf("exit %d\n%s", code, r)
				case found.Severity != f.severity || !strings.Contains(found.Message, f.says):
					return fmt.Errorf("it says: %s: %s", found.Severity, found.Message)
				case code != map[bool]int{true: 1}[r.Errors > 0]:
					return fmt.Errorf("exit %d with %d errors", code, r.Errors)
				}
				return nil
			})
			repair()
			s.healthy(t)
		})
	}
}

// TestFaultsAreOfManyKinds keeps the list from shrinking below what was promised.
func TestFaultsAreOfManyKinds(t *testing.T) {
	var ids []string
	for _, f := range faults() {
		ids = append(ids, f.id)
	}
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n < 12 {
		t.Errorf("there are faults of %d checks", n)
	}
}
