//go:build linux

package install_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// install installs the chart with its own values, but for the GPUs that are not
// there.
func (s *story) install(t *testing.T) {
	createNamespace(t)
	// What a release is refused that is being uninstalled, since its rights may go
	// before it does, is no matter of this one.
	s.audit(t)
	began := time.Now()
	helm(t, append([]string{"install", release}, chart()...)...)
	t.Logf("helm install --wait took %s", time.Since(began).Round(time.Second))
	expectParts(t, "devel")
}

// createNamespace makes usher's namespace, unless it is there.
func createNamespace(t *testing.T) {
	t.Helper()
	_, err := shared.Client.CoreV1().Namespaces().Create(t.Context(), &corev1.Namespace{ObjectMeta: metav1.ObjectMeta{
		Name: systemNamespace,
		// The agent mounts folders of its node.
		Labels: map[string]string{"pod-security.kubernetes.io/enforce": "privileged"},
	}}, metav1.CreateOptions{})
	if err != nil && !apierrors.IsAlreadyExists(err) {
		t.Fatal(err)
	}
}

// expectParts expects every part of usher to be ready, from images with a tag.
func expectParts(t *testing.T, tag string) {
	t.Helper()
	want := map[string][]string{
		"gpu-topology-scheduler": {"usher-extender:" + tag, "registry.k8s.io/kube-scheduler:v1.37.2"},
		"usher-agent":            {"usher-agent:" + tag},
		"usher-controller":       {"usher-controller:" + tag},
		"usher-webhook":          {"usher-webhook:" + tag},
	}
	replicas := map[string]int{"gpu-topology-scheduler": 2, "usher-agent": 1, "usher-controller": 2, "usher-webhook": 2}
	got, running := map[string][]string{}, map[string]int{}
	for _, pod := range pods(t) {
		part := pod.Labels["app.kubernetes.io/name"]
		var images []string
		for _, container := range slices.Concat(pod.Spec.InitContainers, pod.Spec.Containers) {
			images = append(images, container.Image)
		}
		got[part] = images
		for _, condition := range pod.Status.Conditions {
			if condition.Type == corev1.PodReady && condition.Status == corev1.ConditionTrue {
				running[part]++
			}
		}
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("images: want (-), got (+): %s", diff)
	}
	if diff := cmp.Diff(replicas, running); diff != "" {
		t.Errorf("ready pods: want (-), got (+): %s%s", diff, diagnosis(t))
	}
}

// findRefusals expects that RBAC has granted all that usher's parts asked for since
// they were installed: none of them logged otherwise.
func (s *story) findRefusals(t *testing.T) {
	s.keepLogs(t)
	for line := range strings.Lines(s.logs.String()) {
		if strings.Contains(line, "forbidden") && strings.Contains(line, "system:serviceaccount:"+systemNamespace) {
			t.Error(line)
		}
	}
	for line := range strings.Lines(s.audit(t)) {
		if strings.Contains(line, `"username":"system:serviceaccount:`+systemNamespace) && strings.Contains(line, `"code":403`) {
			t.Error(line)
		}
	}
}

// keepLogs keeps what usher's pods have logged so far.
func (s *story) keepLogs(t *testing.T) {
	t.Helper()
	for _, pod := range pods(t) {
		s.logs.WriteString(kubectl(t, "logs", "--namespace", systemNamespace, pod.Name, "--all-containers", "--prefix"))
	}
}

// audit is what the API server has recorded since the last call.
func (s *story) audit(t *testing.T) string {
	t.Helper()
	log, err := shared.AuditLog()
	if err != nil {
		t.Fatal(err)
	}
	news := log[s.audited:]
	s.audited = len(log)
	return string(news)
}
