package doctor

import (
	"bytes"
	"context"
	"errors"
	"slices"
	"strconv"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"
	"golang.org/x/sync/errgroup"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

const (
	// maxAsked bounds how many pods of one part are asked.
	maxAsked = 50
	// askTogether is how many pods are asked at once.
	askTogether = 8
	// askPod bounds one question to a pod: longer than a probe may take.
	askPod = 5 * time.Second
	// metricsPath is where a pod tells its metrics, maxMetrics bounds them in bytes.
	metricsPath = "/metrics"
	maxMetrics  = 16 << 20
)

// Answer is what a pod of usher's says of itself.
type Answer struct {
	// App is the part of usher that it is, Pod its name.
	App, Pod string
	// Ready and Detail are its answer to the readiness probe.
	Ready  bool
	Detail string
	// Metrics by name.
	Metrics map[string]*dto.MetricFamily
	// Failure says why it could not be asked.
	Failure string
}

// ask asks usher's running pods through the API server.
func (c *Cluster) ask(ctx context.Context, s *Snapshot) {
	if reason := s.unread[kindPods]; reason != "" {
		s.unread[kindAnswers] = reason
		return
	}
	var answers []*Answer
	var group errgroup.Group
	group.SetLimit(askTogether)
	for _, app := range []string{webhookName, controllerName, schedulerName} {
		pods := s.podsOf(app)
		for _, pod := range pods[:min(len(pods), maxAsked)] {
			port := probePort(&pod.Spec)
			if pod.Status.Phase != corev1.PodRunning || pod.DeletionTimestamp != nil || port == 0 {
				continue
			}
			a := &Answer{App: app, Pod: pod.Name}
			answers = append(answers, a)
			group.Go(func() error { return c.question(ctx, s.Namespace, port, a) })
		}
	}
	if err := group.Wait(); err != nil {
		s.unread[kindAnswers] = whyUnread("get", kindAnswers, s.Namespace, err)
		return
	}
	for _, a := range answers {
		s.Answers = append(s.Answers, *a)
	}
}

// probePort is the port named "probes", 0 if there is none.
func probePort(spec *corev1.PodSpec) int32 {
	for _, containers := range [][]corev1.Container{spec.Containers, spec.InitContainers} {
		for i := range containers {
			for _, port := range containers[i].Ports {
				if port.Name == "probes" {
					return port.ContainerPort
				}
			}
		}
	}
	return 0
}

// question asks one pod. Its error says that pods may not be asked at all.
func (c *Cluster) question(ctx context.Context, namespace string, port int32, a *Answer) error {
	body, err := c.get(ctx, namespace, a.Pod, port, "/readyz")
	if apierrors.IsForbidden(err) {
		return err
	}
	text := strings.TrimSpace(string(body))
	ready, isReady := strings.CutPrefix(text, "ok")
	unready, isUnready := strings.CutPrefix(text, "not ready: ")
	switch {
	case err == nil && isReady:
		a.Ready, a.Detail = true, strings.TrimSpace(ready)
	case isUnready:
		a.Detail = strings.TrimSpace(unready)
	case err == nil:
		err = errors.New("the answer is none of usher's")
		fallthrough
	default:
		a.Failure = err.Error()
		return nil
	}
	if body, err = c.metrics(ctx, namespace, a.Pod, port); err != nil {
		a.Failure = err.Error()
		return nil
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	if a.Metrics, err = parser.TextToMetricFamilies(bytes.NewReader(body)); err != nil {
		a.Failure = "read metrics: " + err.Error()
	}
	return nil
}

func (c *Cluster) get(ctx context.Context, namespace, pod string, port int32, path string) ([]byte, error) {
	ctx, cancel := context.WithTimeout(ctx, askPod)
	defer cancel()
	return c.kube.CoreV1().Pods(namespace).ProxyGet("http", pod, strconv.Itoa(int(port)), path, nil).DoRaw(ctx)
}

// gauge is a metric's value for the label, nil if the pod has none. A label with
// an empty name asks for the metric without labels.
func (a *Answer) gauge(name, label, value string) *float64 {
	family := a.Metrics[name]
	if family == nil {
		return nil
	}
	for _, m := range family.Metric {
		if label != "" && !labelled(m, label, value) {
			continue
		}
		switch {
		case m.Gauge != nil:
			return m.Gauge.Value
		case m.Counter != nil:
			return m.Counter.Value
		}
	}
	return nil
}

// labels are the values of a label of a metric where that is above 0, in order.
func (a *Answer) labels(name, label string) (values []string) {
	for _, m := range a.Metrics[name].GetMetric() {
		if m.GetGauge().GetValue()+m.GetCounter().GetValue() <= 0 {
			continue
		}
		for _, l := range m.GetLabel() {
			if l.GetName() == label {
				values = append(values, l.GetValue())
			}
		}
	}
	slices.Sort(values)
	return slices.Compact(values)
}

func labelled(m *dto.Metric, label, value string) bool {
	for _, l := range m.Label {
		if l.GetName() == label && l.GetValue() == value {
			return true
		}
	}
	return false
}
