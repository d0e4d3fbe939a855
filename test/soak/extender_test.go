package soak

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/tools/clientcmd"
	clientcmdapi "k8s.io/client-go/tools/clientcmd/api"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
)

// extender is a usher-extender that runs.
type extender struct {
	address string
	probes  string
}

// startExtender builds the extender, starts it against an API server and waits
// until it is ready.
func startExtender(t *testing.T, apiServer string) *extender {
	t.Helper()
	folder := t.TempDir()
	binary := filepath.Join(folder, "usher-extender")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-o", binary, "usher.dev/usher/cmd/usher-extender").CombinedOutput(); err != nil {
		t.Fatalf("build the extender: %v: %s", err, output)
	}
	kubeconfig := filepath.Join(folder, "kubeconfig")
	if err := clientcmd.WriteToFile(clientcmdapi.Config{
		Clusters:       map[string]*clientcmdapi.Cluster{"soak": {Server: apiServer}},
		Contexts:       map[string]*clientcmdapi.Context{"soak": {Cluster: "soak"}},
		CurrentContext: "soak",
	}, kubeconfig); err != nil {
		t.Fatal(err)
	}
	e := &extender{address: freeAddress(t), probes: freeAddress(t)}
	log, err := os.Create(filepath.Join(folder, "log"))
	if err != nil {
		t.Fatal(err)
	}
	command := exec.CommandContext(t.Context(), binary, "--kubeconfig="+kubeconfig, "--listen="+e.address, "--probe-listen="+e.probes)
	command.Stdout, command.Stderr = log, log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Wait() // killed with the test's context
		if text, err := os.ReadFile(log.Name()); err == nil && t.Failed() {
			t.Logf("the end of the extender's log:\n%s", text[max(0, len(text)-4000):])
		}
	})
	eventually(t, time.Minute, "the extender is ready", func() error {
		_, err := e.get(t.Context(), "/readyz")
		return err
	})
	return e
}

// freeAddress is a port of the loopback address that was free just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	listener, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}

// get asks a probe.
func (e *extender) get(ctx context.Context, path string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+e.probes+path, http.NoBody)
	if err != nil {
		return nil, err
	}
	return do(request)
}

func do(request *http.Request) ([]byte, error) {
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s: %s", request.URL, response.Status, body)
	}
	return body, err
}

// metric returns a gauge or counter without labels.
func (e *extender) metric(t *testing.T, name string) float64 {
	t.Helper()
	text, err := e.get(t.Context(), "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(text))
	if err != nil {
		t.Fatal(err)
	}
	family := families[name]
	if family == nil {
		t.Fatalf("there is no metric %s", name)
	}
	m := family.GetMetric()[0]
	if family.GetType() == dto.MetricType_COUNTER {
		return m.GetCounter().GetValue()
	}
	return m.GetGauge().GetValue()
}

// fit asks which of the nodes have as many free GPUs.
func (e *extender) fit(ctx context.Context, nodes []string, gpus int) (map[string]bool, error) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Name: fmt.Sprintf("asks-%d", gpus), Namespace: "default"},
		Spec: corev1.PodSpec{Containers: []corev1.Container{{Name: "asks", Resources: corev1.ResourceRequirements{
			Limits: corev1.ResourceList{"nvidia.com/gpu": *resource.NewQuantity(int64(gpus), resource.DecimalSI)},
		}}}},
	}
	body, err := json.Marshal(extenderv1.ExtenderArgs{Pod: pod, NodeNames: &nodes})
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+e.address+"/v1/filter", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := do(request)
	if err != nil {
		return nil, err
	}
	var result extenderv1.ExtenderFilterResult
	if err := json.Unmarshal(answer, &result); err != nil {
		return nil, err
	}
	fit := map[string]bool{}
	if result.NodeNames != nil {
		for _, name := range *result.NodeNames {
			fit[name] = true
		}
	}
	return fit, nil
}

func eventually(t *testing.T, patience time.Duration, what string, f func() error) {
	t.Helper()
	deadline := time.Now().Add(patience)
	for {
		err := f()
		if err == nil {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("not within %s: %s: %v", patience, what, err)
		}
		time.Sleep(time.Millisecond)
	}
}
