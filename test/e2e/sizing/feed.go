package main

import (
	"fmt"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"
	"k8s.io/apimachinery/pkg/runtime/schema"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/soak/fakeapi"
)

// cluster is what a fake API server holds of one size.
type cluster struct {
	*fakeapi.Server
	*templates
	size  size
	kinds map[string]*fakeapi.Collection // by kind
	names []string                       // of the nodes
}

// feed fills a fake API server, which ends with close.
func feed(t *templates, s size) (*cluster, error) {
	c := &cluster{Server: fakeapi.NewServer(), templates: t, size: s, kinds: map[string]*fakeapi.Collection{}}
	for _, k := range []struct {
		group, version, kind, plural string
		namespaced                   bool
	}{
		{"", "v1", "Pod", "pods", true},
		{"", "v1", "Node", "nodes", false},
		{"", "v1", "Namespace", "namespaces", false},
		{"", "v1", "ResourceQuota", "resourcequotas", true},
		{"", "v1", "LimitRange", "limitranges", true},
		{"networking.k8s.io", "v1", "NetworkPolicy", "networkpolicies", true},
		{"rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", true},
		{"resource.k8s.io", "v1", "ResourceClaim", "resourceclaims", true},
		{"usher.dev", "v1alpha1", "Tenant", "tenants", false},
		{"usher.dev", "v1alpha1", "QuotaLedger", "quotaledgers", false},
		{"usher.dev", "v1alpha1", "GPUNode", "gpunodes", false},
	} {
		serve := c.Serve
		if k.namespaced {
			serve = c.ServeNamespaced
		}
		c.kinds[k.kind] = serve(schema.GroupVersionKind{Group: k.group, Version: k.version, Kind: k.kind}, k.plural)
	}
	for i := range s.tenants {
		if err := c.putTenant(i); err != nil {
			return nil, err
		}
	}
	for i := range s.nodes {
		if err := c.putNode(i); err != nil {
			return nil, err
		}
	}
	return c, nil
}

func (c *cluster) close() {
	c.CloseClientConnections()
	c.Close()
}

// put stores a copy of a template under another name.
func (c *cluster) put(of unstructured.Unstructured, namespace, name string, change func(*unstructured.Unstructured)) error {
	o := of.DeepCopy()
	o.SetNamespace(namespace)
	o.SetName(name)
	o.SetUID(types.UID(fmt.Sprintf("%s-%s-%s", o.GetKind(), namespace, name)))
	if change != nil {
		change(o)
	}
	return c.kinds[o.GetKind()].Put(o)
}

func tenantName(i int) string            { return fmt.Sprintf("tenant-%03d", i) }
func namespaceName(tenant, i int) string { return fmt.Sprintf("tenant-%03d-team-%d", tenant, i) }

// putTenant stores a tenant with its ledger, its namespaces and what the controller
// has made in them.
func (c *cluster) putTenant(i int) error {
	name := tenantName(i)
	label := func(o *unstructured.Unstructured) {
		labels := o.GetLabels()
		for key, value := range labels {
			if value == templateTenant {
				labels[key] = name
			}
		}
		o.SetLabels(labels)
	}
	var namespaces []any
	for n := range namespacesPerTenant {
		namespace := namespaceName(i, n)
		namespaces = append(namespaces, namespace)
		if err := c.put(c.namespace, "", namespace, label); err != nil {
			return err
		}
		for _, o := range c.managed {
			if err := c.put(o, namespace, o.GetName(), label); err != nil {
				return err
			}
		}
	}
	if err := c.put(c.tenant, "", name, func(o *unstructured.Unstructured) {
		_ = unstructured.SetNestedSlice(o.Object, namespaces, "spec", "namespaces")
	}); err != nil {
		return err
	}
	return c.putLedger(i)
}

// putLedger stores a ledger with an entry of each of the tenant's pods.
func (c *cluster) putLedger(i int) error {
	holders := make([]any, 0, c.size.gpuPods()/c.size.tenants+1)
	for pod := i; pod < c.size.gpuPods(); pod += c.size.tenants {
		holders = append(holders, v1alpha1.LedgerEntry{
			Kind: v1alpha1.KindPod, Namespace: namespaceName(i, pod/c.size.tenants%namespacesPerTenant), Name: podName(pod), MicroUnits: 1e6,
			Resources: map[string]int64{"nvidia.com/gpu": 1}, Reservation: fmt.Sprintf("%026d", pod), UID: types.UID(fmt.Sprintf("%036d", pod)),
		}.String())
	}
	return c.put(c.ledger, "", tenantName(i), func(o *unstructured.Unstructured) {
		unstructured.RemoveNestedField(o.Object, "status", "reservations")
		_ = unstructured.SetNestedSlice(o.Object, holders, "status", "holders")
		_ = unstructured.SetNestedField(o.Object, int64(len(holders))*1e6, "status", "used")
	})
}

// putNode stores a node, the report of its GPUs, and the pods on it.
func (c *cluster) putNode(i int) error {
	name := fmt.Sprintf("gpu-node-%05d.cluster.example.com", i)
	c.names = append(c.names, name)
	if err := c.kinds["Node"].Put(nodeOf(name)); err != nil {
		return err
	}
	if err := c.report(i, gpusPerNode, 0); err != nil {
		return err
	}
	for n := range gpusPerNode {
		if err := c.kinds["Pod"].Put(c.podOf(i*gpusPerNode+n, name, true)); err != nil {
			return err
		}
	}
	for n := range otherPodsPerNode {
		if err := c.kinds["Pod"].Put(c.podOf(i*otherPodsPerNode+n, name, false)); err != nil {
			return err
		}
	}
	return nil
}

// report stores what a node's agent says: that pods hold so many of its GPUs.
func (c *cluster) report(i, held int, sequence int64) error {
	n := c.templates.report.DeepCopy()
	n.Name = c.names[i]
	now := metav1.NewTime(time.Now())
	n.Status.Sequence, n.Status.Heartbeat, n.Status.Allocations = sequence, &now, nil
	for gpu := range held {
		pod := i*gpusPerNode + gpu
		n.Status.Allocations = append(n.Status.Allocations, v1alpha1.Allocation{
			Device: n.Status.GPUs[gpu].UUID, Resource: "nvidia.com/gpu",
			Namespace: c.namespaceOf(pod), Pod: podName(pod), Container: "main",
		})
	}
	return c.kinds["GPUNode"].Put(n)
}

func podName(pod int) string { return fmt.Sprintf("train-%06d", pod) }

// namespaceOf is where a pod is.
func (c *cluster) namespaceOf(pod int) string {
	return namespaceName(pod%c.size.tenants, pod/c.size.tenants%namespacesPerTenant)
}
