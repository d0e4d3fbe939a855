package main

import (
	"context"
	"fmt"
	"path/filepath"
	"strings"
	"time"

	"k8s.io/apimachinery/pkg/apis/meta/v1/unstructured"

	"usher.dev/usher/test/e2e/installation"
)

// patience is how long usher may take to do what a test waits for.
const patience = time.Minute

// cluster is where the recorded version runs.
type cluster struct {
	*installation.Installation
	recorder *recorder
	// requests are what `make run` of that version shows, by name.
	requests map[string]*unstructured.Unstructured
}

// tenants have all that the controller makes, and hold GPUs in every way that a
// ledger tells apart.
const tenants = `
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: lab}
spec:
  owners:
    - {kind: User, name: ada, role: Admin}
    - {kind: Group, name: lab-developers, role: Developer}
  namespaces: [lab-a, lab-b]
  podSecurity: {enforce: baseline}
  gpu: {perTenant: 8, perNamespace: 6, caps: {nvidia.com/mig-3g.20gb: 2}, resources: ["nvidia.com/*"], deviceClasses: [gpu.nvidia.com]}
  quota: {pods: 10, requests.cpu: 20}
  resourceQuota: {hard: {services: 5}}
  limitRange: {limits: [{type: Container, default: {cpu: 100m, memory: 64Mi}}]}
  network: {scope: Tenant, egress: [{cidr: 0.0.0.0/0}]}
`

const holders = `
apiVersion: v1
kind: Pod
metadata: {namespace: lab-a, name: whole}
spec: {containers: [{name: main, image: app:1, resources: {limits: {nvidia.com/gpu: 2, cpu: 1, memory: 1Gi}}}]}
---
apiVersion: v1
kind: Pod
metadata: {namespace: lab-b, name: part}
spec: {containers: [{name: main, image: app:1, resources: {limits: {nvidia.com/mig-3g.20gb: 1, cpu: 1, memory: 1Gi}}}]}
---
apiVersion: v1
kind: Pod
metadata: {namespace: lab-b, name: leaves, finalizers: [example.com/stays]}
spec: {containers: [{name: main, image: app:1, resources: {limits: {nvidia.com/gpu: 1, cpu: 1, memory: 1Gi}}}]}
---
apiVersion: resource.k8s.io/v1
kind: ResourceClaim
metadata: {namespace: lab-a, name: pair}
spec: {devices: {requests: [{name: gpus, exactly: {deviceClassName: gpu.nvidia.com, allocationMode: ExactCount, count: 2}}]}}
`

// comes is admitted while no controller runs, so that it stays a reservation.
const comes = `
apiVersion: v1
kind: Pod
metadata: {namespace: lab-a, name: comes}
spec: {containers: [{name: main, image: app:1, resources: {limits: {nvidia.com/gpu: 1, cpu: 1, memory: 1Gi}}}]}
`

// populate makes tenants, and what they hold.
func (c *cluster) populate(ctx context.Context) error {
	m, err := c.NewControllerManager([]string{"resourcequota-controller"})
	if err != nil {
		return err
	}
	defer m.Release()
	if err := m.Start(ctx); err != nil {
		return err
	}
	if err := c.demo(ctx); err != nil {
		return err
	}
	if err := c.ApplyYAML(ctx, tenants); err != nil {
		return err
	}
	if err := c.until(ctx, "True", "get", "tenant", "lab", "-o", `jsonpath={.status.conditions[?(@.type=="Ready")].status}`); err != nil {
		return err
	}
	if err := c.ApplyYAML(ctx, holders); err != nil {
		return err
	}
	if _, _, err := c.Kubectl(ctx, "", "delete", "pod", "-n", "lab-b", "leaves", "--wait=false"); err != nil {
		return err
	}
	// Two GPUs, three sevenths of one, one that is leaving, and a claim of two.
	if err := c.until(ctx, "5428572 4", "get", "quotaledger", "lab", "-o", "go-template={{.status.used}} {{len .status.holders}}"); err != nil {
		return err
	}
	c.EndControllers()
	if err := c.ApplyYAML(ctx, comes); err != nil {
		return err
	}
	return c.until(ctx, "1000000", "get", "quotaledger", "lab", "-o", "jsonpath={.status.reserved}")
}

// demo makes the tenants of `make run`, and reads what it shows.
func (c *cluster) demo(ctx context.Context) error {
	tree := c.recorder.tree
	for _, name := range []string{"namespaces", "tenants"} {
		objects, err := tree.Decoded("testdata/demo/cluster/" + name + ".yaml")
		if err != nil {
			return err
		}
		if err := c.Apply(ctx, objects...); err != nil {
			return err
		}
	}
	files, err := filepath.Glob(tree.Path("testdata/demo/requests/*.yaml"))
	if err != nil {
		return err
	}
	c.requests = map[string]*unstructured.Unstructured{}
	for _, file := range files {
		name := filepath.Base(file)
		objects, err := tree.Decoded("testdata/demo/requests/" + name)
		if err != nil {
			return err
		}
		if len(objects) != 1 {
			return fmt.Errorf("%s holds %d objects, want one", name, len(objects))
		}
		c.requests[strings.TrimSuffix(name, ".yaml")] = objects[0]
	}
	return c.until(ctx, "true", "get", "quotaledger", "tenant-a", "-o", "go-template={{if .status.counted}}true{{end}}")
}

// stored keeps objects as they are stored, with who wrote which field.
func (c *cluster) stored(ctx context.Context) error {
	for name, kinds := range map[string]string{
		"tenants": "tenants.usher.dev", "ledgers": "quotaledgers.usher.dev", "namespaces": "namespaces",
		"managed": "resourcequotas,limitranges,networkpolicies,rolebindings", "pods": "pods", "claims": "resourceclaims",
		"leases": "leases",
	} {
		list, _, err := c.Kubectl(ctx, "", "get", "--show-managed-fields", "-A", "-o", "yaml", kinds)
		if err != nil {
			return err
		}
		if err := c.recorder.write("objects/"+name+".yaml", []byte(list)); err != nil {
			return err
		}
	}
	return nil
}

// until waits until kubectl prints what is wanted.
func (c *cluster) until(ctx context.Context, want string, arguments ...string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		got, _, err := c.Kubectl(ctx, "", arguments...)
		if err == nil && got == want {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("wait until kubectl %s says %q, not %q: %w", strings.Join(arguments, " "), want, got, err)
		case <-time.After(100 * time.Millisecond):
		}
	}
}
