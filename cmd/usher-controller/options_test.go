package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWrongFlagsAndFilesEndWithCodeTwoAndAReason(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, []byte(text), 0o600))
		return path
	}
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"an unknown flag", []string{"--leader-elected"}, []string{"unknown flag: --leader-elected", "usher-controller --help"}},
		{"an argument", []string{"tenants"}, []string{`unexpected arguments ["tenants"]`}},
		{"everything that is wrong at once", []string{"--probe-listen", "8083", "--reservation-ttl", "0s"}, []string{`--probe-listen "8083": want host:port`, "--reservation-ttl must be at least 45s"}},
		{"no such configuration", []string{"--config", filepath.Join(dir, "nothing.yaml")}, []string{"read configuration: open "}},
		{"an unknown field in the configuration", []string{"--config", file("typo.yaml", "tenantLable: a\n")}, []string{"typo.yaml", `unknown field "tenantLable"`}},
		{"a kubeconfig that is not there", []string{"--kubeconfig", filepath.Join(dir, "nothing")}, []string{"find the API server", "outside a cluster give --kubeconfig\n"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var stderr bytes.Buffer
			if code := execute(t.Context(), tt.args, &stderr); code != 2 {
				t.Errorf("exit code %d", code)
			}
			for _, want := range tt.want {
				if !strings.Contains(stderr.String(), want) {
					t.Errorf("does not say %q:\n%s", want, stderr.String())
				}
			}
		})
	}
}

func TestHelpNamesEveryFlag(t *testing.T) {
	var out bytes.Buffer
	if code := execute(t.Context(), []string{"--help"}, &out); code != 0 {
		t.Errorf("exit code %d", code)
	}
	for _, flag := range []string{"config", "kubeconfig", "probe-listen", "leader-elect", "reservation-ttl", "cert-mode", "ca-secret", "ca-lifetime", "cert-lifetime", "cert-overlap", "verbose"} {
		if !strings.Contains(out.String(), "--"+flag) {
			t.Errorf("--%s is not there:\n%s", flag, out.String())
		}
	}
}

func TestTheLeaseIsWhereThePodIs(t *testing.T) {
	for pod, want := range map[string]string{"": "usher-system", "elsewhere": "elsewhere"} {
		t.Setenv("POD_NAMESPACE", pod)
		o, err := parseOptions(nil, &bytes.Buffer{})
		must(t, err)
		m := (&controller{options: o}).managerOptions(nil)
		if !m.LeaderElection || m.LeaderElectionNamespace != want || m.LeaderElectionID != "usher-controller" || !m.LeaderElectionReleaseOnCancel {
			t.Errorf("in %q: election %t by %s/%s, released: %t", pod, m.LeaderElection, m.LeaderElectionNamespace, m.LeaderElectionID, m.LeaderElectionReleaseOnCancel)
		}
		if *m.RetryPeriod >= *m.RenewDeadline || *m.RenewDeadline >= *m.LeaseDuration || *m.LeaseDuration+*m.RetryPeriod >= 60*time.Second {
			t.Errorf("retry %s, renew %s, lease %s", m.RetryPeriod, m.RenewDeadline, m.LeaseDuration)
		}
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
