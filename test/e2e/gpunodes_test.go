package e2e

import (
	"fmt"
	"strings"
	"testing"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
)

// TestAnAgentWritesItsOwnNodeAlone has an agent, by the real token of its pod,
// report its own node and forge the report of another.
func TestAnAgentWritesItsOwnNodeAlone(t *testing.T) {
	shared.installAgents(t)
	own, other := shared.node(t, "identity-own"), shared.node(t, "identity-other")
	agent := shared.agent(t, "identity-own")
	agent.report(t, own)
	honest := shared.agent(t, "identity-other").report(t, other)

	forged := decode(t, fmt.Sprintf(report, "identity-other"))
	forged.SetResourceVersion(honest.GetResourceVersion())
	set(t, forged.Object, []any{}, "status", "links")
	_, err := agent.update(t.Context(), gpuNodes, forged, "status")
	if err := expectCheck(err, "node_identity/node"); err != nil {
		t.Error("a forged report:", err)
	}
	if want := `the agent of node "identity-own" may not write GPUNode "identity-other"; it may write "identity-own" alone`; err != nil && !strings.Contains(err.Error(), want) {
		t.Errorf("the denial does not say %s:\n%v", want, err)
	}
	for what, patch := range map[string]string{
		"labels":     `{"metadata": {"labels": {"a": "b"}}}`,
		"finalizers": `{"metadata": {"finalizers": ["example.com/forever"]}}`,
		"owners":     `{"metadata": {"ownerReferences": null}}`,
	} {
		if err := expectCheck(agent.patchGPUNode(t, "identity-other", patch), "node_identity/node"); err != nil {
			t.Errorf("%s of another's GPUNode: %v", what, err)
		}
	}
	for _, name := range []string{"identity-new", ""} {
		object := decode(t, fmt.Sprintf(report, `"`+name+`"`))
		if name == "" {
			object.SetGenerateName("identity-own-")
		}
		_, err := agent.create(t.Context(), gpuNodes, object)
		if err := expectCheck(err, "node_identity/node"); err != nil {
			t.Errorf("a new GPUNode named %q: %v", name, err)
		}
	}
	if err := agent.Resource(gpuNodes).Delete(t.Context(), "identity-own", metav1.DeleteOptions{}); !apierrors.IsForbidden(err) {
		t.Errorf("an agent deleted its GPUNode: %v", err)
	}
	stored, err := shared.admin(t).Resource(gpuNodes).Get(t.Context(), "identity-other", metav1.GetOptions{})
	if err != nil || stored.GetResourceVersion() != honest.GetResourceVersion() {
		t.Errorf("the other node's GPUNode changed: %v, %v", stored, err)
	}
}

func TestTokensThatNameNoNodeReportNothing(t *testing.T) {
	shared.installAgents(t)
	shared.node(t, "unbound")
	_, err := shared.withToken(t, nil).create(t.Context(), gpuNodes, decode(t, fmt.Sprintf(report, "unbound")))
	if err := expectCheck(err, "node_identity/token"); err != nil {
		t.Error(err)
	}
}

// TestNobodyElseReports has users with every right in RBAC write a GPUNode.
func TestNobodyElseReports(t *testing.T) {
	shared.installAgents(t)
	owner := shared.node(t, "writers")
	shared.agent(t, "writers").report(t, owner)
	if err := shared.ApplyYAML(t.Context(), `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: gpunode-writer}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: developer}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: gpunode-writer}]`); err != nil {
		t.Fatal(err)
	}
	report := `{"status": {"sequence": 8}}`
	if err := shared.as(t, developer).patchGPUNode(t, "writers", report, "status"); !apierrors.IsForbidden(err) {
		t.Errorf("a user without rights: %v", err)
	}
	writer := shared.as(t, "gpunode-writer")
	if err := expectCheck(writer.patchGPUNode(t, "writers", report, "status"), "node_identity/writer"); err != nil {
		t.Error("a user with all rights:", err)
	}
	// What the garbage collector and people do.
	for what, patch := range map[string]string{
		"a label":       `{"metadata": {"labels": {"a": "b"}}}`,
		"no owners":     `{"metadata": {"ownerReferences": null}}`,
		"no finalizers": `{"metadata": {"finalizers": null}}`,
	} {
		if err := writer.patchGPUNode(t, "writers", patch); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := shared.admin(t).patchGPUNode(t, "writers", report, "status"); err != nil {
		t.Error("an administrator repairs it:", err)
	}
	if err := writer.Resource(gpuNodes).Delete(t.Context(), "writers", metav1.DeleteOptions{}); err != nil {
		t.Error("it is deleted:", err)
	}
}

func TestAGPUNodeBelongsToItsNode(t *testing.T) {
	shared.installAgents(t)
	own, other := shared.node(t, "owned"), shared.node(t, "owned-not")
	agent := shared.agent(t, "owned")
	create := func(owners ...any) error {
		object := decode(t, fmt.Sprintf(report, "owned"))
		set(t, object.Object, owners, "metadata", "ownerReferences")
		_, err := agent.create(t.Context(), gpuNodes, object)
		return err
	}
	pod := map[string]any{"apiVersion": "v1", "kind": "Pod", "name": "owned", "uid": "6d2c9a41"}
	for what, owners := range map[string][]any{"another node": {other}, "a pod": {pod}, "its node and a pod": {own, pod}} {
		if err := expectCheck(create(owners...), "node_identity/owner"); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
	if err := create(own); err != nil {
		t.Fatal(err)
	}
	patch := `{"metadata": {"ownerReferences": [{"apiVersion": "v1", "kind": "Pod", "name": "owned", "uid": "6d2c9a41"}]}}`
	for _, u := range []*user{agent, shared.admin(t)} {
		if err := expectCheck(u.patchGPUNode(t, "owned", patch), "node_identity/owner"); err != nil {
			t.Error("an owner put in afterwards:", err)
		}
	}
}

// TestReportsThatCannotBe tries the rules of the GPUNode's CRD, one after the
// other, on a report that is stored.
func TestReportsThatCannotBe(t *testing.T) {
	shared.installAgents(t)
	owner := shared.node(t, "rules")
	agent := shared.agent(t, "rules")
	agent.report(t, owner)
	for _, tt := range []struct{ name, patch, want string }{
		{"a lower sequence", `{"sequence": 6}`, "sequence is lower than that of the stored report of the same boot"},
		{"a sequence below zero", `{"bootID": "second", "sequence": -1}`, "status.sequence"},
		{"one UUID twice", `{"gpus": [{"index": 0, "uuid": "GPU-0", "health": "Healthy"}, {"index": 1, "uuid": "GPU-0", "health": "Healthy"}]}`, "two GPUs have the same uuid"},
		{"a link from the higher GPU", `{"links": [{"a": 1, "b": 0}]}`, "the first GPU of a link has the lower index"},
		{"a link of a GPU with itself", `{"links": [{"a": 1, "b": 1}]}`, "the first GPU of a link has the lower index"},
		{"a link to no GPU", `{"links": [{"a": 1, "b": 2}]}`, "a link names a GPU that is not reported"},
		{"links without GPUs", `{"gpus": null, "nics": null}`, "a link names a GPU that is not reported"},
		{"a NIC that is near to one GPU of two", `{"nics": [{"name": "mlx5_0", "gpuPaths": ["PIX"]}]}`, "gpuPaths has one entry for each GPU"},
		{"a health that is none", `{"gpus": [{"index": 0, "uuid": "GPU-0", "health": "Fine"}]}`, "Unsupported value"},
		{"a path that is none", `{"links": [{"a": 0, "b": 1, "path": "NEAR"}]}`, "Unsupported value"},
		{"more than 16 GPUs", `{"gpus": [` + strings.Repeat(`{"index": 0, "uuid": "GPU-0", "health": "Healthy"}, `, 16) + `{"index": 0, "uuid": "GPU-0", "health": "Healthy"}]}`, "at most 16 items"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			err := agent.patchGPUNode(t, "rules", `{"status": `+tt.patch+`}`, "status")
			if !apierrors.IsInvalid(err) || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("want a refusal that says %s, got: %v", tt.want, orAdmitted(err))
			}
		})
	}
	for _, tt := range []struct{ name, patch string }{
		{"the same sequence", `{"sequence": 7}`},
		{"a higher sequence", `{"sequence": 8}`},
		{"a lower sequence of another boot", `{"bootID": "second", "sequence": 1}`},
		{"no GPUs", `{"gpus": null, "links": null, "nics": null}`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if err := agent.patchGPUNode(t, "rules", `{"status": `+tt.patch+`}`, "status"); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestTheLargestReport stores as many GPUs, links, NICs and allocations as a
// report may have: it stays within what the API server spends on the rules.
func TestTheLargestReport(t *testing.T) {
	shared.installAgents(t)
	owner := shared.node(t, "largest")
	agent := shared.agent(t, "largest")
	object := agent.report(t, owner)
	const number = 16
	var gpus, links, nics, allocations []any
	for a := range int64(number) {
		gpus = append(gpus, map[string]any{"index": a, "uuid": fmt.Sprint("GPU-", a), "health": "Healthy", "cpuAffinity": strings.Repeat("0-47,", 50)})
		for b := a + 1; b < number; b++ {
			links = append(links, map[string]any{"a": a, "b": b, "path": "NODE", "nvlinkLanes": int64(18), "nvSwitch": true})
		}
	}
	paths := make([]any, number)
	for i := range paths {
		paths[i] = "NODE"
	}
	for i := range 32 {
		nics = append(nics, map[string]any{"name": fmt.Sprint("mlx5_", i), "gpuPaths": paths})
	}
	for i := range 1024 {
		allocations = append(allocations, map[string]any{
			"device": fmt.Sprint("GPU-", i%number), "replica": fmt.Sprint(i), "resource": "nvidia.com/gpu.shared",
			"namespace": "largest", "pod": fmt.Sprint("pod-", i), "container": "train",
		})
	}
	for field, value := range map[string][]any{"gpus": gpus, "links": links, "nics": nics, "allocations": allocations} {
		set(t, object.Object, value, "status", field)
	}
	set(t, object.Object, int64(8), "status", "sequence")
	stored, err := agent.update(t.Context(), gpuNodes, object, "status")
	if err != nil {
		t.Fatal(err)
	}
	for field, want := range map[string]int{"gpus": number, "links": 120, "nics": 32, "allocations": 1024} {
		if list, _, _ := unstructured.NestedSlice(stored.Object, "status", field); len(list) != want {
			t.Errorf("%d %s are stored, want %d", len(list), field, want)
		}
	}
}
