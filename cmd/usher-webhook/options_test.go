package main

import (
	"bytes"
	"net"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestWrongFlagsAndFilesEndWithCodeTwoAndAReason(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string { return write(t, filepath.Join(dir, name), text) }
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"an unknown flag", []string{"--polcy-dir", "x"}, []string{"unknown flag: --polcy-dir", "usher-webhook --help"}},
		{"an argument", []string{"--standalone", "policies"}, []string{`unexpected arguments ["policies"]`}},
		{"no certificate in a cluster", nil, []string{"--cert-dir is missing"}},
		{"everything that is wrong at once", []string{"--standalone", "--kubeconfig", "x", "--drain", "-1s", "--cert-dir", "x", "--write-ca", "y"}, []string{"--standalone and --kubeconfig exclude each other", "--drain is negative", "--write-ca needs --standalone without --cert-dir"}},
		{"objects in a cluster", []string{"--cert-dir", "x", "--objects", "y"}, []string{"--objects needs --standalone"}},
		{"no such configuration", []string{"--standalone", "--config", filepath.Join(dir, "nothing.yaml")}, []string{"read configuration: open "}},
		{"an unknown field in the configuration", []string{"--standalone", "--config", file("typo.yaml", "tenantLable: a\n")}, []string{"typo.yaml", `unknown field "tenantLable"`}},
		{"a policy that is not there in the configuration", []string{"--standalone", "--config", file("policy.yaml", "policies: {nothing: {mode: warn}}\n")}, []string{"policies.nothing: there is no such policy"}},
		{"a policy that does not compile", []string{"--standalone", "--policy-dir", filepath.Dir(file("broken/a.rego", "package usher.a\n\ndeny"))}, []string{"a.rego:"}},
		{"no such folder of policies", []string{"--standalone", "--policy-dir", filepath.Join(dir, "nothing")}, []string{"read policies:"}},
		{"objects that do not parse", []string{"--standalone", "--objects", filepath.Dir(file("objects/tenant.yaml", "apiVersion: usher.dev/v1alpha1\nkind: Tenant\nmetadata: {name: a}\nspec: {gpus: 1}\n"))}, []string{"read objects:", "tenant.yaml", `unknown field "spec.gpus"`}},
		{"an address without a port", []string{"--standalone", "--listen", "localhost"}, []string{`--listen "localhost"`}},
		{"an authority that is none", []string{"--standalone", "--write-ca", filepath.Join(dir, "no/such/folder/ca.pem")}, []string{"--write-ca:"}},
		{"a name of a certificate that is made", []string{"--standalone", "--cert-name", "localhost"}, []string{"--cert-name needs --cert-dir"}},
		{"a kubeconfig that is not there", []string{"--cert-dir", dir, "--kubeconfig", filepath.Join(dir, "nothing")}, []string{"find the API server"}},
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
	for _, flag := range []string{"listen", "probe-listen", "cert-dir", "cert-name", "client-ca-file", "config", "policy-dir", "standalone", "objects", "write-ca", "kubeconfig", "drain", "verbose"} {
		if !strings.Contains(out.String(), "--"+flag) {
			t.Errorf("--%s is not there:\n%s", flag, out.String())
		}
	}
}

func TestServingThatFailsEndsWithCodeOne(t *testing.T) {
	taken, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer taken.Close()
	for _, tt := range []struct {
		name string
		args []string
		want string
	}{
		{"an address that is taken", []string{"--listen", taken.Addr().String(), "--probe-listen", ""}, "address already in use"},
		{"a probe address that is taken", []string{"--listen", freeAddress(t), "--probe-listen", taken.Addr().String()}, "listen for probes"},
		{"port 0", []string{"--listen", "127.0.0.1:0", "--probe-listen", ""}, "is no port"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := command(t, append([]string{"--standalone"}, tt.args...)...)
			p.run(t)
			if code := p.exit(t, 60*time.Second); code != 1 {
				t.Errorf("exit code %d", code)
			}
			if !strings.Contains(p.stderr.String(), tt.want) {
				t.Errorf("does not say %q:\n%s", tt.want, p.stderr.String())
			}
		})
	}
}
