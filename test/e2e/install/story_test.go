//go:build linux

package install_test

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/singlenode"
)

const (
	release         = "usher"
	systemNamespace = "usher-system"
	tenant          = "research"
)

// story is what later steps have to know of earlier ones.
type story struct {
	// training is the tenant's pod that has to run on whatever happens to usher.
	training corev1.Pod
	// tenantUID and ledgerUID are of what has to outlive an uninstall.
	tenantUID, ledgerUID string
	// logs are what usher's pods have logged before they were taken away.
	logs strings.Builder
	// audited is how much of the audit log was read.
	audited int
}

// sample is the path of an object in testdata/install, which README's commands use.
func sample(name string) string {
	return filepath.Join(repository.Root(), "testdata", "install", name+".yaml")
}

func kubectl(t *testing.T, arguments ...string) string {
	t.Helper()
	output, _, err := shared.Kubectl(t.Context(), "", arguments...)
	if err != nil {
		t.Fatal(err)
	}
	return output
}

func helm(t *testing.T, arguments ...string) string {
	t.Helper()
	output, err := shared.Helm(t.Context(), append(arguments, "--namespace", systemNamespace, "--timeout", patience.String())...)
	if err != nil {
		t.Log(diagnosis(t))
		t.Fatal(err)
	}
	return output
}

// chart are the arguments by which the chart is installed on such a node.
func chart(settings ...string) []string {
	arguments := []string{singlenode.Chart(), "--values", filepath.Join(repository.Root(), "test", "e2e", "singlenode", "values.yaml"), "--wait"}
	for _, setting := range settings {
		arguments = append(arguments, "--set", setting)
	}
	return arguments
}

// diagnosis is what tells why a pod of usher's does not run.
func diagnosis(t *testing.T) string {
	t.Helper()
	var found strings.Builder
	for _, arguments := range [][]string{
		{"get", "pods", "-o", "wide"},
		{"get", "events", "--field-selector=type=Warning"},
		{"logs", "--selector=app.kubernetes.io/part-of=usher", "--all-containers", "--tail=20", "--prefix"},
	} {
		output, _, err := shared.Kubectl(t.Context(), "", append([]string{"--namespace", systemNamespace}, arguments...)...)
		fmt.Fprintln(&found, output, err)
	}
	return found.String()
}

// pods are usher's, by name, without those that have ended or are about to.
func pods(t *testing.T) []corev1.Pod {
	t.Helper()
	list, err := shared.Client.CoreV1().Pods(systemNamespace).List(t.Context(), metav1.ListOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return slices.DeleteFunc(list.Items, func(pod corev1.Pod) bool {
		return pod.DeletionTimestamp != nil || pod.Status.Phase == corev1.PodSucceeded
	})
}

// awaitRunning waits until a pod runs and returns it.
func awaitRunning(t *testing.T, namespace, name string) *corev1.Pod {
	t.Helper()
	return await.Success(t, patience, name+" runs", func() (*corev1.Pod, error) {
		pod, err := shared.Client.CoreV1().Pods(namespace).Get(t.Context(), name, metav1.GetOptions{})
		if err == nil && pod.Status.Phase != corev1.PodRunning {
			err = fmt.Errorf("it is %s: %s", pod.Status.Phase, pod.Status.Message)
		}
		return pod, err
	})
}

// awaitGone waits until there is no pod of usher's.
func awaitGone(t *testing.T) {
	t.Helper()
	await.Success(t, patience, "usher's pods are gone", func() (any, error) {
		list, err := shared.Client.CoreV1().Pods(systemNamespace).List(t.Context(), metav1.ListOptions{})
		if err == nil && len(list.Items) > 0 {
			err = errors.New("there still is " + list.Items[0].Name)
		}
		return nil, err
	})
}
