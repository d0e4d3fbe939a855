package main

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"
)

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// output collects what the command writes.
type output struct {
	mu  sync.Mutex
	buf bytes.Buffer
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.buf.String()
}

func freeAddress(t testing.TB) string {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	must(t, err)
	defer l.Close()
	return l.Addr().String()
}

// request sends one; status 0 says that nobody answers.
func request(t testing.TB, method, url string, body any) (status int, text []byte) {
	t.Helper()
	raw, err := json.Marshal(body)
	must(t, err)
	r, err := http.NewRequestWithContext(context.Background(), method, url, bytes.NewReader(raw))
	must(t, err)
	r.Header.Set("Content-Type", "application/json")
	response, err := (&http.Client{Timeout: time.Minute}).Do(r)
	if err != nil {
		return 0, []byte(err.Error())
	}
	defer response.Body.Close()
	text, err = io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, text
}

func eventually(t testing.TB, what string, done func() bool) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); !done(); time.Sleep(10 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("waited in vain for ", what)
		}
	}
}

func TestItRanksTheSampleNodesAndDrains(t *testing.T) {
	addr, probes := freeAddress(t), freeAddress(t)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	stderr, ended := &output{}, make(chan int, 1)
	go func() {
		ended <- execute(ctx, []string{"--standalone", "--objects", "../../testdata/gpunodes", "--listen", addr, "--probe-listen", probes, "--drain", "2s"}, stderr)
	}()
	ready := func() int { status, _ := request(t, http.MethodGet, "http://"+probes+"/readyz", nil); return status }
	eventually(t, "readiness", func() bool { return ready() == http.StatusOK })

	pod := &corev1.Pod{}
	pod.Namespace, pod.Name, pod.UID = "team", "train", "u"
	pod.Annotations = map[string]string{"usher.dev/gpu-topology": "nvlink"}
	pod.Spec.Containers = []corev1.Container{{Name: "c", Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("4")}}}}
	args := &extenderv1.ExtenderArgs{Pod: pod, NodeNames: &[]string{"dgx-h100", "pcie-only"}}
	filter := func() (int, extenderv1.ExtenderFilterResult) {
		var result extenderv1.ExtenderFilterResult
		status, text := request(t, http.MethodPost, "http://"+addr+"/v1/filter", args)
		if status == http.StatusOK {
			must(t, json.Unmarshal(text, &result))
		}
		return status, result
	}
	status, result := filter()
	if status != http.StatusOK || result.NodeNames == nil || strings.Join(*result.NodeNames, " ") != "dgx-h100" || len(result.FailedNodes)+len(result.FailedAndUnresolvableNodes) != 1 {
		t.Errorf("status %d: %+v", status, result)
	}
	if status, text := request(t, http.MethodGet, "http://"+addr+"/v1/explain/team/train", nil); status != http.StatusOK || !bytes.Contains(text, []byte(`"demand":"4 nvidia.com/gpu, nvlink"`)) {
		t.Errorf("status %d: %s", status, text)
	}
	if _, text := request(t, http.MethodGet, "http://"+probes+"/metrics", nil); !bytes.Contains(text, []byte(`usher_extender_duration_seconds_count{result="answered",verb="filter"} 1`)) || !bytes.Contains(text, []byte(`usher_extender_nodes{state="ready"}`)) {
		t.Errorf("metrics:\n%s", text)
	}

	stop()
	eventually(t, "readiness to fall", func() bool { return ready() != http.StatusOK })
	if status, _ := filter(); status != http.StatusOK && status != 0 {
		t.Errorf("while draining: status %d", status)
	}
	select {
	case code := <-ended:
		if code != 0 {
			t.Errorf("exit code %d\n%s", code, stderr)
		}
	case <-time.After(time.Minute):
		t.Fatal("it does not end")
	}
}
