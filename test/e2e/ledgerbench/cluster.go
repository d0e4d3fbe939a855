package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/installation"
	"usher.dev/usher/test/e2e/podload"
)

const (
	// patience is how long the cluster may take to change between two measurements.
	patience = 2 * time.Minute
	pause    = 50 * time.Millisecond
	// user is who creates the pods.
	user = "bench"
	// nobodys is a namespace of no tenant, where usher denies GPUs.
	nobodys = "nobodys"
)

const rights = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: bench}
rules: [{apiGroups: [""], resources: [pods], verbs: ["*"]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: bench}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: bench}
subjects: [{apiGroup: rbac.authorization.k8s.io, kind: User, name: bench}]
---
apiVersion: v1
kind: Namespace
metadata: {name: nobodys}
`

// tenantManifest is a tenant with a limit and a namespace of its name.
const tenantManifest = `
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: %[1]s}
spec: {gpu: {perTenant: "%[2]d"}}
---
apiVersion: v1
kind: Namespace
metadata: {name: %[1]s, labels: {tenant: %[1]s}}
`

// cluster is where the workloads run.
type cluster struct {
	*installation.Installation
	schedule schedule
	clients  []kubernetes.Interface
	ledgers  dynamic.ResourceInterface
	admin    kubernetes.Interface
	judges   bool
}

func newCluster(ctx context.Context, installed *installation.Installation, s schedule) (*cluster, error) {
	c := &cluster{Installation: installed, schedule: s, judges: true}
	var err error
	if c.admin, err = kubernetes.NewForConfig(c.Config()); err != nil {
		return nil, err
	}
	everything, err := dynamic.NewForConfig(c.Config())
	if err != nil {
		return nil, err
	}
	c.ledgers = everything.Resource(v1alpha1.GroupVersion.WithResource("quotaledgers"))
	if err := c.connect(); err != nil {
		return nil, err
	}
	return c, c.populate(ctx)
}

// connect gives each client connections of its own.
func (c *cluster) connect() error {
	config, err := c.As(user)
	if err != nil {
		return err
	}
	c.clients, err = podload.Clients(config, c.schedule.clients)
	return err
}

// populate makes the tenants, and the pods that the crowded one holds.
func (c *cluster) populate(ctx context.Context) error {
	manifests := []string{rights}
	for _, w := range workloads {
		limit := 1_000_000
		if w.refused {
			limit = 0
		}
		for _, tenant := range w.tenants {
			manifests = append(manifests, fmt.Sprintf(tenantManifest, tenant, limit))
		}
	}
	if err := c.ApplyYAML(ctx, strings.Join(manifests, "\n---\n")); err != nil {
		return err
	}
	for _, w := range workloads {
		for _, tenant := range w.tenants {
			if err := c.settled(ctx, tenant, 0); err != nil {
				return err
			}
		}
		if !w.crowded {
			continue
		}
		if _, err := c.create(ctx, w, c.schedule.held, true); err != nil {
			return fmt.Errorf("fill a ledger: %w", err)
		}
		if err := c.settled(ctx, w.tenants[0], c.schedule.held); err != nil {
			return err
		}
	}
	return nil
}

// settled waits until a tenant's ledger counts as many GPUs and none is reserved.
func (c *cluster) settled(ctx context.Context, tenant string, held int) error {
	return until(ctx, func() error {
		object, err := c.ledgers.Get(ctx, tenant, metav1.GetOptions{})
		if err != nil {
			return err
		}
		status, _ := object.Object["status"].(map[string]any)
		used, _ := status["used"].(int64)
		reserved, _ := status["reserved"].(int64)
		if status["counted"] == nil || used != int64(held)*1e6 || reserved != 0 {
			return fmt.Errorf("the ledger of %s has %d used and %d reserved, want %d GPUs used", tenant, used, reserved, held)
		}
		return nil
	})
}

// register has pods judged or not, and waits until the API server does so.
func (c *cluster) register(ctx context.Context, judged bool) error {
	if judged == c.judges {
		return nil
	}
	change := c.Unregister
	if judged {
		change = c.Register
	}
	if err := change(ctx); err != nil {
		return err
	}
	c.judges = judged
	return until(ctx, func() error {
		_, err := c.clients[0].CoreV1().Pods(nobodys).Create(ctx, podload.Pod(nobodys, 1), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
		if denied := apierrors.IsForbidden(err); denied != judged {
			return errors.Join(fmt.Errorf("denied: %t", denied), err)
		}
		return nil
	})
}

// clear deletes what a workload has created and waits until its ledgers say so.
func (c *cluster) clear(ctx context.Context, w workload) error {
	for _, tenant := range w.tenants {
		err := c.admin.CoreV1().Pods(tenant).DeleteCollection(ctx, podload.AtOnce(), metav1.ListOptions{LabelSelector: "!" + keepLabel})
		if err != nil {
			return err
		}
		held := 0
		if w.crowded {
			held = c.schedule.held
		}
		if err := c.settled(ctx, tenant, held); err != nil {
			return err
		}
	}
	return nil
}

// until tries until it succeeds.
func until(ctx context.Context, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		err := try()
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(ctx.Err(), err)
		case <-time.After(pause):
		}
	}
}
