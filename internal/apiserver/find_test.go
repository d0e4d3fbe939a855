package apiserver_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"usher.dev/usher/internal/apiserver"
)

const kubeconfig = `{apiVersion: v1, kind: Config, current-context: a,
contexts: [{name: a, context: {cluster: a}}],
clusters: [{name: a, cluster: {server: "https://NAME:6443"}}]}`

func write(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), name)
	if err := os.WriteFile(path, []byte(strings.ReplaceAll(kubeconfig, "NAME", name)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func TestTheNamedKubeconfigWinsOverTheEnvironment(t *testing.T) {
	t.Setenv("KUBECONFIG", write(t, "environment"))
	for file, want := range map[string]string{"": "https://environment:6443", write(t, "named"): "https://named:6443"} {
		cfg, err := apiserver.Find(file, "usher-test", "")
		if err != nil {
			t.Fatal(err)
		}
		if cfg.Host != want || !strings.HasSuffix(cfg.UserAgent, "/usher-test") {
			t.Errorf("%q: host %s, agent %s; want %s", file, cfg.Host, cfg.UserAgent, want)
		}
	}
}

func TestNoAPIServerSaysWhatToGive(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "nothing"))
	t.Setenv("KUBERNETES_SERVICE_HOST", "")
	for instead, want := range map[string]string{"": "; outside a cluster give --kubeconfig", "--once": "; outside a cluster give --kubeconfig, or --once"} {
		_, err := apiserver.Find("", "usher-test", instead)
		if err == nil || !strings.HasPrefix(err.Error(), "find the API server: ") || !strings.HasSuffix(err.Error(), want) {
			t.Errorf("%q: error %v", instead, err)
		}
	}
}
