//go:build linux

package install_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// inspect looks at the processes that the kubelet has made of the pods, and at the
// flags, tokens and policies that they run with.
func (s *story) inspect(t *testing.T) {
	locked := confinement{UID: "65532", GID: "65532", NoNewPrivileges: true, Seccomp: true, ReadOnlyRoot: true}
	root := locked
	// The kubelet's socket is root's alone.
	root.UID, root.GID = "0", "0"
	want := map[string]confinement{
		"/usher-agent": root, "/usher-controller": locked, "/usher-extender": locked, "/usher-webhook": locked,
		"/usr/local/bin/kube-scheduler": locked,
	}
	got := map[string]confinement{}
	counts := map[string]int{}
	for _, process := range processes(t) {
		if process.container {
			got[process.program] = process.confinement
			counts[process.program]++
		}
	}
	for program := range want {
		if diff := cmp.Diff(want[program], got[program]); diff != "" {
			t.Errorf("%s: want (-), got (+): %s", program, diff)
		}
	}
	if counts["/usher-webhook"] != 2 {
		t.Errorf("processes: %v", counts)
	}
	for _, pod := range pods(t) {
		inspectToken(t, &pod)
	}
	s.inspectPolicies(t)
}

// inspectToken expects a pod to have the token of its own service account, bound to
// the pod.
func inspectToken(t *testing.T, pod *corev1.Pod) {
	t.Helper()
	accounts := map[string]string{
		"gpu-topology-scheduler": "usher-scheduler", "usher-agent": "usher-agent",
		"usher-controller": "usher-controller", "usher-webhook": "usher-webhook",
	}
	if want := accounts[pod.Labels["app.kubernetes.io/name"]]; pod.Spec.ServiceAccountName != want {
		t.Errorf("%s runs as %q; want %q", pod.Name, pod.Spec.ServiceAccountName, want)
	}
	if !slices.ContainsFunc(pod.Spec.Volumes, func(volume corev1.Volume) bool {
		return volume.Projected != nil && slices.ContainsFunc(volume.Projected.Sources, func(source corev1.VolumeProjection) bool {
			return source.ServiceAccountToken != nil
		})
	}) {
		t.Errorf("%s has no token", pod.Name)
	}
}

// inspectPolicies expects a NetworkPolicy for each part. That is all that can be
// said here: the node's network plugin enforces none.
func (s *story) inspectPolicies(t *testing.T) {
	t.Helper()
	list, err := shared.Client.NetworkingV1().NetworkPolicies(systemNamespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	var selected []string
	for _, policy := range list.Items {
		selected = append(selected, policy.Spec.PodSelector.MatchLabels["app.kubernetes.io/name"])
	}
	slices.Sort(selected)
	if diff := cmp.Diff([]string{"gpu-topology-scheduler", "usher-agent", "usher-controller", "usher-webhook"}, selected); diff != "" {
		t.Errorf("pods with a NetworkPolicy: want (-), got (+): %s", diff)
	}
}

// inspectRegistration expects both configurations to name the Service, and the
// authority that the controller has made.
func (s *story) inspectRegistration(t *testing.T) {
	mutating, err := shared.Client.AdmissionregistrationV1().MutatingWebhookConfigurations().Get(t.Context(), "usher-webhook", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	validating, err := shared.Client.AdmissionregistrationV1().ValidatingWebhookConfigurations().Get(t.Context(), "usher-webhook", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	type client struct {
		Service string
		Trusted bool
	}
	got := map[string]client{}
	for _, hook := range mutating.Webhooks {
		got[hook.Name] = client{hook.ClientConfig.Service.Namespace + "/" + hook.ClientConfig.Service.Name, strings.Contains(string(hook.ClientConfig.CABundle), "BEGIN CERTIFICATE")}
	}
	for _, hook := range validating.Webhooks {
		got[hook.Name] = client{hook.ClientConfig.Service.Namespace + "/" + hook.ClientConfig.Service.Name, strings.Contains(string(hook.ClientConfig.CABundle), "BEGIN CERTIFICATE")}
	}
	for name, c := range got {
		if want := (client{systemNamespace + "/usher-webhook", true}); c != want {
			t.Errorf("%s: got %+v, want %+v", name, c, want)
		}
	}
	service, err := shared.Client.CoreV1().Services(systemNamespace).Get(t.Context(), "usher-webhook", metav1.GetOptions{})
	if err != nil {
		t.Fatal(err)
	}
	if service.Spec.ClusterIP == "" || service.Spec.ClusterIP == corev1.ClusterIPNone || len(got) < 2 {
		t.Errorf("the Service has the address %q; %d webhooks are registered", service.Spec.ClusterIP, len(got))
	}
}
