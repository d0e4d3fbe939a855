package main

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestWrongFlagsAndFilesEndWithCodeTwoAndAReason(t *testing.T) {
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o755))
		must(t, os.WriteFile(path, []byte(text), 0o644))
		return path
	}
	standalone := []string{"--standalone", "--objects", "../../testdata/gpunodes"}
	with := func(args ...string) []string { return append(append([]string{}, standalone...), args...) }
	for _, tt := range []struct {
		name string
		args []string
		want []string
	}{
		{"an unknown flag", []string{"--listn", "x"}, []string{"unknown flag: --listn", "usher-extender --help"}},
		{"an argument", with("nodes"), []string{`unexpected arguments ["nodes"]`}},
		{"plain HTTP for everyone", with("--listen", ":9444"), []string{`--listen ":9444" is not a loopback address`, "--cert-dir and --client-ca-file are needed"}},
		{"TLS for everyone, without client certificates", with("--listen", "0.0.0.0:9444", "--cert-dir", dir), []string{"--client-ca-file are needed"}},
		{"client certificates over plain HTTP", with("--client-ca-file", "x"), []string{"--client-ca-file needs --cert-dir"}},
		{"an address without a port", with("--listen", "localhost"), []string{`--listen "localhost"`}},
		{"everything that is wrong at once", []string{"--standalone", "--kubeconfig", "x", "--drain", "-1s"}, []string{"--standalone and --kubeconfig exclude each other", "--standalone and --objects need each other", "--drain is negative"}},
		{"objects in a cluster", []string{"--objects", dir}, []string{"--standalone and --objects need each other"}},
		{"no such configuration", with("--config", filepath.Join(dir, "nothing.yaml")), []string{"read configuration: open "}},
		{"an unknown field in the configuration", with("--config", file("typo.yaml", "rackLable: a\n")), []string{"typo.yaml", `unknown field "rackLable"`}},
		{"a term that is none", with("--config", file("term.yaml", "weights: {link: 1}\n")), []string{"term.yaml", "weights[link]: there is no such term"}},
		{"no GPUNode", []string{"--standalone", "--objects", filepath.Dir(file("empty/node.yaml", "apiVersion: v1\nkind: Node\nmetadata: {name: a}\n"))}, []string{"there is none in"}},
		{"a name of a certificate over plain HTTP", with("--cert-name", "localhost"), []string{"--cert-name needs --cert-dir"}},
		{"a kubeconfig that is not there", []string{"--kubeconfig", filepath.Join(dir, "nothing")}, []string{"find the API server"}},
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
	for _, flag := range []string{"listen", "probe-listen", "cert-dir", "cert-name", "client-ca-file", "config", "standalone", "objects", "kubeconfig", "drain", "verbose"} {
		if !strings.Contains(out.String(), "--"+flag) {
			t.Errorf("--%s is not there:\n%s", flag, out.String())
		}
	}
}
