package main

import (
	"context"
	"net/http"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	extenderv1 "k8s.io/kube-scheduler/extender/v1"

	"usher.dev/usher/internal/tracing/collector"
)

// A scheduler begins no traces: the extender does.
func TestAnswersToTheSchedulerAreTraced(t *testing.T) {
	c := collector.Start(t)
	addr, probes := freeAddress(t), freeAddress(t)
	ctx, stop := context.WithCancel(context.Background())
	defer stop()
	stderr, ended := &output{}, make(chan int, 1)
	go func() {
		ended <- execute(ctx, []string{
			"--standalone", "--objects", "../../testdata/gpunodes", "--listen", addr, "--probe-listen", probes, "--drain", "0s",
			"--otlp-endpoint", c.Address, "--otlp-sampling-per-million", "1000000",
		}, stderr)
	}()
	eventually(t, "readiness", func() bool {
		status, _ := request(t, http.MethodGet, "http://"+probes+"/readyz", nil)
		return status == http.StatusOK
	})
	pod := &corev1.Pod{}
	pod.Namespace, pod.Name, pod.UID = "team", "train", "u"
	pod.Spec.Containers = []corev1.Container{{Name: "c", Resources: corev1.ResourceRequirements{Limits: corev1.ResourceList{"nvidia.com/gpu": resource.MustParse("4")}}}}
	args := &extenderv1.ExtenderArgs{Pod: pod, NodeNames: &[]string{"dgx-h100", "pcie-only"}}
	for _, verb := range []string{"filter", "prioritize"} {
		if status, text := request(t, http.MethodPost, "http://"+addr+"/v1/"+verb, args); status != http.StatusOK {
			t.Fatalf("%s: %d %s", verb, status, text)
		}
	}
	if status, _ := request(t, http.MethodGet, "http://"+addr+"/v1/explain/team/train", nil); status != http.StatusOK {
		t.Errorf("explain: %d", status)
	}
	stop() // it sends what it has at its end
	if code := <-ended; code != 0 {
		t.Fatalf("exit code %d\n%s", code, stderr)
	}

	children := map[string]string{} // of verbs, by the ID of their span
	for _, verb := range []string{"filter", "prioritize"} {
		spans := c.Named(verb)
		if len(spans) != 1 || spans[0].Parent != "" || spans[0].Service != "usher-extender" {
			t.Fatalf("%s: spans %+v of %+v", verb, spans, c.Spans())
		}
		children[spans[0].ID] = verb
		for key, want := range map[string]string{"k8s.namespace.name": "team", "k8s.pod.name": "train", "usher.nodes": "2", "usher.result": "answered"} {
			if got := spans[0].Attributes[key]; got != want {
				t.Errorf("%s: %s is %q, want %q", verb, key, got, want)
			}
		}
	}
	for step, verb := range map[string]string{"judge nodes": "filter", "score nodes": "prioritize"} {
		if spans := c.Named(step); len(spans) != 1 || children[spans[0].Parent] != verb {
			t.Errorf("%q is of %+v, want one of %s", step, spans, verb)
		}
	}
	if n := len(c.Spans()); n != 6 { // the verbs, two decodings, the steps
		t.Errorf("%d spans: %+v", n, c.Spans())
	}
}
