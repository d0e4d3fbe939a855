//go:build linux

package node_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/node"
	"usher.dev/usher/test/e2e/repository"
)

// nodeName is the node's name and that of its GPUNode.
const nodeName = "gpu-node"

var gpuNodes = schema.GroupVersionResource{Group: v1alpha1.GroupVersion.Group, Version: v1alpha1.GroupVersion.Version, Resource: "gpunodes"}

// kubeletRights are what kube-apiserver's node authorizer would grant.
const kubeletRights = `apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: kubelets}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: "system:node"}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: Group, name: "system:nodes"}]
`

// cluster is a control plane with one real node.
type cluster struct {
	*controlplane.ControlPlane
	folder  string
	node    *node.Node
	client  kubernetes.Interface
	objects dynamic.Interface
	// agentPod is the pod in whose name the agent runs.
	agentPod types.UID
}

func startCluster(ctx context.Context, folder string) (*cluster, error) {
	programs, err := controlplane.FindPrograms(ctx)
	if err != nil {
		return nil, err
	}
	plane, err := controlplane.New(folder, programs)
	if err != nil {
		return nil, err
	}
	c := &cluster{ControlPlane: plane, folder: folder}
	if err := c.start(ctx, programs); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

func (c *cluster) start(ctx context.Context, programs controlplane.Programs) error {
	if err := c.Start(ctx); err != nil {
		return err
	}
	for _, file := range []string{"crd/usher.dev_gpunodes.yaml", "base/namespace.yaml"} {
		manifest, err := os.ReadFile(filepath.Join(repository.Root(), "manifests", file))
		if err != nil {
			return err
		}
		if err := c.ApplyYAML(ctx, string(manifest)); err != nil {
			return err
		}
	}
	rights, err := agentRights()
	if err != nil {
		return err
	}
	if err := c.Apply(ctx, rights...); err != nil {
		return err
	}
	if err := c.ApplyYAML(ctx, kubeletRights); err != nil {
		return err
	}
	if err := c.WaitForKinds(ctx); err != nil {
		return err
	}
	if c.client, err = kubernetes.NewForConfig(c.Config()); err != nil {
		return err
	}
	if c.objects, err = dynamic.NewForConfig(c.Config()); err != nil {
		return err
	}
	if c.node, err = node.Start(ctx, c.ControlPlane, node.Options{
		Name: nodeName, Programs: programs, Images: []string{filepath.Join(c.folder, "pause.tar")}, Logs: c.folder,
	}); err != nil {
		return err
	}
	c.agentPod, err = c.createAgentPod(ctx)
	return err
}

func (c *cluster) release() {
	if c.node != nil {
		c.node.Release()
	}
	c.Release()
}

// report is the GPUNode as the API server has it.
func (c *cluster) report(ctx context.Context) (*v1alpha1.GPUNode, error) {
	object, err := c.objects.Resource(gpuNodes).Get(ctx, nodeName, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	report := &v1alpha1.GPUNode{}
	return report, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, report)
}

// allocatable is how many devices of a resource the kubelet offers.
func (c *cluster) allocatable(ctx context.Context, resource string) (int64, error) {
	object, err := c.client.CoreV1().Nodes().Get(ctx, nodeName, metav1.GetOptions{})
	if err != nil {
		return 0, err
	}
	for name, quantity := range object.Status.Allocatable {
		if string(name) == resource {
			return quantity.Value(), nil
		}
	}
	return 0, fmt.Errorf("the node offers no %s", resource)
}
