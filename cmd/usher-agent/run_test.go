package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
)

func TestOnceNeedsNeitherClusterNorKubeletNorDriver(t *testing.T) {
	t.Setenv("KUBECONFIG", filepath.Join(t.TempDir(), "nothing"))
	dir := t.TempDir()
	for _, tt := range []struct {
		name  string
		args  []string
		ready string
		gpus  int
	}{
		{"the machine's own driver, which it does not have", []string{"--source", "nvml", "--kubelet-socket", filepath.Join(dir, "nothing.sock"), "--driver-timeout", "1m"}, "", 0},
		{"a mock", []string{"--source", "mock:dgxa100"}, "Complete", 8},
		{"a mock, as JSON", []string{"--source", "mock:dgxb200", "-o", "json"}, "Complete", 8},
	} {
		t.Run(tt.name, func(t *testing.T) {
			node := printed(t, tt.args...)
			if got := node.Status.Conditions[0].Reason; tt.ready != "" && got != tt.ready {
				t.Errorf("ready: %s", got)
			}
			if tt.ready != "" && len(node.Status.GPUs) != tt.gpus {
				t.Errorf("%d GPUs", len(node.Status.GPUs))
			}
		})
	}
}

func TestWhatOnceHasPrintedIsASource(t *testing.T) {
	first := printed(t, "--source", "mock:dgxh100")
	text, err := yaml.Marshal(first)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "gpunode.yaml")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	second := printed(t, "--source", "file:"+file)
	first.Status.Heartbeat, first.Status.Conditions = second.Status.Heartbeat, second.Status.Conditions
	if diff := cmp.Diff(first, second); diff != "" {
		t.Errorf("(-printed +read)\n%s", diff)
	}
}

// printed returns what --once prints.
func printed(t *testing.T, args ...string) *v1alpha1.GPUNode {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if code := execute(t.Context(), append([]string{"--once", "--node-name", "gpu-1"}, args...), &stdout, &stderr); code != 0 || stderr.Len() > 0 {
		t.Fatalf("exit code %d: %s", code, stderr.String())
	}
	var node v1alpha1.GPUNode
	if err := yaml.UnmarshalStrict(stdout.Bytes(), &node); err != nil {
		t.Fatalf("%v\n%s", err, stdout.String())
	}
	return &node
}

func TestOnceThatCannotPrintEndsWithCodeOne(t *testing.T) {
	var stderr bytes.Buffer
	if code := execute(t.Context(), []string{"--once", "--source", "mock:dgxa100"}, full{}, &stderr); code != 1 || !strings.Contains(stderr.String(), "print report: full") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}

type full struct{}

func (full) Write([]byte) (int, error) { return 0, fmt.Errorf("full") }

func TestAnAgentReportsUntilItIsStopped(t *testing.T) {
	var mu sync.Mutex
	var reports []v1alpha1.GPUNode
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		node := v1alpha1.GPUNode{}
		node.APIVersion, node.Kind, node.Name, node.ResourceVersion = "usher.dev/v1alpha1", "GPUNode", "gpu-1", "1"
		if r.Method == http.MethodPut {
			if err := json.NewDecoder(r.Body).Decode(&node); err != nil {
				t.Error(err)
			}
			mu.Lock()
			reports = append(reports, node)
			mu.Unlock()
		}
		_ = json.NewEncoder(w).Encode(node)
	}))
	defer api.Close()
	dir := t.TempDir()
	kubeconfig, script := filepath.Join(dir, "kubeconfig"), filepath.Join(dir, "script.yaml")
	write := func(file, text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(kubeconfig, fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a}}], clusters: [{name: a, cluster: {server: %q}}]}`, api.URL))
	write(script, "faults: [{fault: xid, gpu: 3, value: 79, after: 100ms}]")

	ctx, cancel := context.WithCancel(t.Context())
	var stderr bytes.Buffer
	code := make(chan int, 1)
	go func() {
		code <- execute(ctx, []string{
			"--node-name", "gpu-1", "--source", "mock:dgxh100", "--mock-script", script, "--kubeconfig", kubeconfig,
			"--probe-listen", "127.0.0.1:0", "--interval", "1s", "--driver-timeout", "1m",
		}, &stderr, &stderr)
	}()
	bad := func() bool {
		mu.Lock()
		defer mu.Unlock()
		for _, node := range reports {
			if g := node.Status.GPUs; len(g) == 8 && g[3].Health == v1alpha1.Unhealthy && g[3].HealthReasons[0].Code == "XID79" {
				return true
			}
		}
		return false
	}
	for deadline := time.Now().Add(time.Minute); !bad(); time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the XID is not reported")
		}
	}
	cancel()
	if got := <-code; got != 0 {
		t.Errorf("exit code %d: %s", got, stderr.String())
	}
	for i, node := range reports {
		if node.Status.Sequence != int64(i+1) {
			t.Errorf("report %d has sequence %d", i, node.Status.Sequence)
		}
	}
}

func TestAProbeAddressThatIsTakenEndsWithCodeOne(t *testing.T) {
	api := httptest.NewServer(http.NotFoundHandler())
	defer api.Close()
	kubeconfig := filepath.Join(t.TempDir(), "kubeconfig")
	text := fmt.Sprintf(`{apiVersion: v1, kind: Config, current-context: a, contexts: [{name: a, context: {cluster: a}}], clusters: [{name: a, cluster: {server: %q}}]}`, api.URL)
	if err := os.WriteFile(kubeconfig, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	code := execute(t.Context(), []string{"--source", "mock:dgxa100", "--kubeconfig", kubeconfig, "--probe-listen", strings.TrimPrefix(api.URL, "http://")}, &stderr, &stderr)
	if code != 1 || !strings.Contains(stderr.String(), "listen for probes") {
		t.Errorf("exit code %d: %s", code, stderr.String())
	}
}
