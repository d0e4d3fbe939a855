package scheduling

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/runtime"
	"sigs.k8s.io/yaml"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/fakenode"
)

// fleet is the nodes of one test: the only ones of the cluster meanwhile.
type fleet struct {
	*fakenode.Kubelets
	cluster *cluster
	nodes   map[string]*fakenode.Node
	agents  map[string]*agent
}

// newFleet makes a node of each shape under its name. They are gone, with all
// pods, when the test ends.
func (c *cluster) newFleet(t *testing.T, shapes map[string]shape) *fleet {
	t.Helper()
	f := &fleet{cluster: c, nodes: map[string]*fakenode.Node{}, agents: map[string]*agent{}}
	serial := 0
	var all []*fakenode.Node
	for _, name := range sortedKeys(shapes) {
		serial++
		hardware := shapes[name](t, serial)
		hardware.Name = name
		node := fakenode.New(name, hardware, uint64(serial))
		if err := node.Register(t.Context(), c.client,
			map[string]string{corev1.LabelHostname: name, tenantLabel: tenant},
			corev1.Taint{Key: tenantLabel, Value: tenant, Effect: corev1.TaintEffectNoSchedule}); err != nil {
			t.Fatal(err)
		}
		f.nodes[name] = node
		all = append(all, node)
	}
	// Registered first, the node's end comes last.
	t.Cleanup(func() { f.clear(t) })
	kubelets, err := fakenode.Run(t.Context(), c.client, all...)
	if err != nil {
		t.Fatal(err)
	}
	f.Kubelets = kubelets
	for _, name := range sortedKeys(f.nodes) {
		await.Success(t, patience, name+" is ready", func() (struct{}, error) {
			node, err := c.client.CoreV1().Nodes().Get(t.Context(), name, metav1.GetOptions{})
			if err == nil && node.Status.Phase != "Running" {
				err = errors.New("KWOK has not taken it over")
			}
			return struct{}{}, err
		})
	}
	return f
}

// clear removes all pods and nodes, and what was reported of these.
func (f *fleet) clear(t *testing.T) {
	ctx := context.WithoutCancel(t.Context())
	for _, a := range f.agents {
		a.kill()
	}
	now := metav1.DeleteOptions{GracePeriodSeconds: new(int64)}
	pods, err := f.cluster.list(ctx, metav1.NamespaceAll)
	if err != nil {
		t.Error(err)
	}
	for _, pod := range pods {
		if err := f.cluster.client.CoreV1().Pods(pod.Namespace).Delete(ctx, pod.Name, now); err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	}
	await.Success(t, patience, "all pods are gone", func() (struct{}, error) {
		left, err := f.cluster.list(ctx, metav1.NamespaceAll)
		if err == nil && len(left) > 0 {
			err = fmt.Errorf("%d are left", len(left))
		}
		return struct{}{}, err
	})
	for name := range f.nodes {
		if err := f.cluster.client.CoreV1().Nodes().Delete(ctx, name, now); err != nil {
			t.Error(err)
		}
		if err := f.cluster.gpuNodes.Delete(ctx, name, now); err != nil && !apierrors.IsNotFound(err) {
			t.Error(err)
		}
	}
}

// startAgents starts the agent of every node and waits until all have reported.
func (f *fleet) startAgents(t *testing.T, flags ...string) {
	t.Helper()
	for _, name := range sortedKeys(f.nodes) {
		f.startAgent(t, name, flags...)
	}
	for _, name := range sortedKeys(f.nodes) {
		f.waitReported(t, name)
	}
}

// startAgent starts the agent of one node, on the hardware that it has.
func (f *fleet) startAgent(t *testing.T, name string, flags ...string) {
	t.Helper()
	node := f.nodes[name]
	folder := t.TempDir()
	snapshot := filepath.Join(folder, "hardware.yaml")
	content, err := yaml.Marshal(node.Hardware())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(snapshot, content, 0o600); err != nil {
		t.Fatal(err)
	}
	f.startAgentOf(t, name, folder, append([]string{"--source=file:" + snapshot}, flags...)...)
}

// report is the newest report of a node.
func (f *fleet) report(ctx context.Context, name string) (*v1alpha1.GPUNode, error) {
	object, err := f.cluster.gpuNodes.Get(ctx, name, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	node := &v1alpha1.GPUNode{}
	return node, runtime.DefaultUnstructuredConverter.FromUnstructured(object.Object, node)
}

// waitReported waits until a node's report is ready.
func (f *fleet) waitReported(t *testing.T, name string) {
	t.Helper()
	await.Success(t, patience, name+" is reported", func() (struct{}, error) {
		node, err := f.report(t.Context(), name)
		if err == nil && !meta.IsStatusConditionTrue(node.Status.Conditions, v1alpha1.ConditionReady) {
			err = fmt.Errorf("its conditions are %v", node.Status.Conditions)
		}
		return struct{}{}, err
	})
}

// grantsOf are what a pod was handed by any node.
func (f *fleet) grantsOf(namespace, pod string) (*fakenode.Node, []fakenode.Grant) {
	for _, name := range sortedKeys(f.nodes) {
		var grants []fakenode.Grant
		for _, g := range f.nodes[name].Grants() {
			if g.Namespace == namespace && g.Pod == pod {
				grants = append(grants, g)
			}
		}
		if len(grants) > 0 {
			return f.nodes[name], grants
		}
	}
	return nil, nil
}
