package e2e

import (
	"fmt"
	"strings"
	"testing"

	authenticationv1 "k8s.io/api/authentication/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

const agentName = "usher-agent"

var (
	gpuNodes = schema.GroupVersionResource{Group: "usher.dev", Version: "v1alpha1", Resource: "gpunodes"}
	nodes    = schema.GroupVersionResource{Version: "v1", Resource: "nodes"}
)

// agentPod runs an agent on a node, where no scheduler is needed.
const agentPod = `
apiVersion: v1
kind: Pod
metadata: {generateName: usher-agent-, namespace: usher-system}
spec:
  serviceAccountName: usher-agent
  nodeName: %s
  containers: [{name: agent, image: "usher-agent:devel"}]
`

// report is what an agent says of two GPUs that NVLinks connect.
const report = `
apiVersion: usher.dev/v1alpha1
kind: GPUNode
metadata: {name: %s}
status:
  bootID: first
  sequence: 7
  heartbeat: "2026-01-01T00:00:00Z"
  gpus:
    - {index: 0, uuid: GPU-0, model: NVIDIA H100 80GB HBM3, health: Healthy}
    - {index: 1, uuid: GPU-1, model: NVIDIA H100 80GB HBM3, health: Healthy}
  links: [{a: 0, b: 1, path: NODE, nvlinkLanes: 18, nvSwitch: true}]
  nics: [{name: mlx5_0, gpuPaths: [PIX, SYS]}]
`

// everyDoor lets agents write GPUNodes in ways that the manifests do not need, so
// that only the policy stands in front of those.
const everyDoor = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: every-door}
rules:
  - {apiGroups: [usher.dev], resources: [gpunodes, gpunodes/status], verbs: [update, patch]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: every-door}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: every-door}
subjects: [{kind: ServiceAccount, namespace: usher-system, name: usher-agent}]
`

// installAgents applies what the manifests let agents do, and more.
func (c *cluster) installAgents(t *testing.T) {
	t.Helper()
	objects, err := repository.Manifests(t.Context(), "agent")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Apply(t.Context(), objects...); err != nil {
		t.Fatal(err)
	}
	if err := c.ApplyYAML(t.Context(), everyDoor); err != nil {
		t.Fatal(err)
	}
}

// node makes a node and returns the reference by which it owns objects.
func (c *cluster) node(t *testing.T, name string) map[string]any {
	t.Helper()
	object := decode(t, `{apiVersion: v1, kind: Node}`)
	object.SetName(name)
	made, err := c.admin(t).create(t.Context(), nodes, object)
	if err != nil {
		t.Fatal(err)
	}
	return map[string]any{"apiVersion": "v1", "kind": "Node", "name": name, "uid": string(made.GetUID())}
}

// agent connects with the token that a kubelet would project into the pod of
// the agent on a node.
func (c *cluster) agent(t *testing.T, node string) *user {
	t.Helper()
	pod, err := c.admin(t).create(t.Context(), pods, decode(t, fmt.Sprintf(agentPod, node)))
	if err != nil {
		t.Fatal(err)
	}
	return c.withToken(t, &authenticationv1.BoundObjectReference{
		APIVersion: "v1", Kind: "Pod", Name: pod.GetName(), UID: pod.GetUID(),
	})
}

// withToken connects with a token of the agents' account, bound to an object or
// to none.
func (c *cluster) withToken(t *testing.T, bound *authenticationv1.BoundObjectReference) *user {
	t.Helper()
	config, err := c.AsServiceAccount(t.Context(), webhook.Namespace, agentName, bound)
	if err != nil {
		t.Fatal(err)
	}
	return newUser(t, config)
}

// report creates the GPUNode of a node and stores a report in it, as an agent does.
func (u *user) report(t *testing.T, owner map[string]any) *unstructured.Unstructured {
	t.Helper()
	object := decode(t, fmt.Sprintf(report, owner["name"]))
	set(t, object.Object, []any{owner}, "metadata", "ownerReferences")
	made, err := u.create(t.Context(), gpuNodes, object)
	if err != nil {
		t.Fatal(err)
	}
	// The API server takes a status through the subresource alone.
	object.SetResourceVersion(made.GetResourceVersion())
	if made, err = u.update(t.Context(), gpuNodes, object, "status"); err != nil {
		t.Fatal(err)
	}
	return made
}

// patchGPUNode changes a GPUNode, or its status.
func (u *user) patchGPUNode(t *testing.T, name, patch string, subresources ...string) error {
	t.Helper()
	_, err := u.Resource(gpuNodes).Patch(t.Context(), name, types.MergePatchType, []byte(patch), metav1.PatchOptions{}, subresources...)
	return err
}

// expectCheck returns nil when usher denied a request for one check alone.
func expectCheck(err error, check string) error {
	violations, denied := denial(err)
	if !denied || len(violations) != 1 || violations[0].check != check {
		return fmt.Errorf("want a denial for %s alone, got: %w", check, orAdmitted(err))
	}
	return nil
}

func orAdmitted(err error) error {
	if err == nil {
		return fmt.Errorf("it was admitted")
	}
	return err
}

func TestAgentsMayDeleteNothing(t *testing.T) {
	shared.installAgents(t)
	const account = "system:serviceaccount:" + webhook.Namespace + ":" + agentName
	for question, want := range map[string]string{
		"create gpunodes.usher.dev":                      "yes",
		"update gpunodes.usher.dev --subresource=status": "yes",
		"get nodes":                           "yes",
		"delete gpunodes.usher.dev":           "no",
		"deletecollection gpunodes.usher.dev": "no",
		"list nodes":                          "no",
		"update nodes":                        "no",
		"get pods -n default":                 "no",
		"create serviceaccounts --subresource=token -n usher-system": "no",
		"impersonate users": "no",
	} {
		ask := append([]string{"auth", "can-i", "--as", account}, strings.Fields(question)...)
		answer, _, _ := shared.Kubectl(t.Context(), "", ask...)
		if got := strings.TrimSpace(answer); got != want {
			t.Errorf("may an agent %s? %s, want %s", question, got, want)
		}
	}
}
