//go:build linux

package install_test

import (
	"bytes"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/test/e2e/await"
)

// rank has a pod choose between the real node, whose GPUs NVSwitches connect, and a
// larger one that KWOK plays, whose GPUs know PCIe alone.
func (s *story) rank(t *testing.T) {
	other := startOtherNode(t)
	defer other.leave(t)
	kubectl(t, "apply", "-f", sample("ranked"))
	pod := awaitRunning(t, tenant, "pair")
	if pod.Spec.NodeName != "gpu-node" {
		t.Errorf("it went to %s", pod.Spec.NodeName)
	}
	explained := explain(t, tenant+"/pair")
	t.Log(explained)
	score := regexp.MustCompile(`(?m)^\s+(?:\* )?(gpu-node|pcie-node)\s+(\S+)\s+(\d+)\s`)
	var ranking []string
	for _, match := range score.FindAllStringSubmatch(explained, -1) {
		ranking = append(ranking, match[1])
	}
	if strings.Join(ranking, " ") != "gpu-node pcie-node" {
		t.Errorf("the ranking is %q", ranking)
	}
	kubectl(t, "delete", "--wait", "-f", sample("ranked"))
	expectLedger(t, "2000000")
}

// explain asks the extenders, inside their pods, what they made of a pod. The one
// that was asked is beside the scheduler that leads.
func explain(t *testing.T, pod string) string {
	t.Helper()
	return await.Success(t, patience, "an extender explains "+pod, func() (string, error) {
		var errs error
		for _, replica := range pods(t) {
			if replica.Labels["app.kubernetes.io/name"] != "gpu-topology-scheduler" {
				continue
			}
			explained, err := explainAt(t, replica.Name, pod)
			if err == nil {
				return explained, nil
			}
			errs = fmt.Errorf("%s: %w", replica.Name, err)
		}
		return "", errs
	})
}

// explainAt asks one extender, which listens on its pod's loopback address alone.
func explainAt(t *testing.T, replica, pod string) (string, error) {
	t.Helper()
	forward, err := shared.Forward(t.Context(), systemNamespace, replica, 9444)
	if err != nil {
		return "", err
	}
	defer forward.Kill()
	command := exec.CommandContext(t.Context(), filepath.Join(shared.Folder(), "usher"), "explain", pod, "--server", "http://"+forward.Address)
	var complaints bytes.Buffer
	command.Stderr = &complaints
	output, err := command.Output()
	if err != nil {
		err = fmt.Errorf("%w: %s", err, complaints.String())
	}
	return string(output), err
}

// awaitAgentPod waits for the DaemonSet's pod on a node and returns its name and UID.
func awaitAgentPod(t *testing.T, node string) *metav1.ObjectMeta {
	t.Helper()
	return await.Success(t, patience, "the DaemonSet has a pod on "+node, func() (*metav1.ObjectMeta, error) {
		for _, pod := range pods(t) {
			if pod.Labels["app.kubernetes.io/name"] == "usher-agent" && pod.Spec.NodeName == node {
				return &pod.ObjectMeta, nil
			}
		}
		return nil, fmt.Errorf("there is none")
	})
}
