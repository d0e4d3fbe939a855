package storm

import (
	"context"
	"fmt"
	"net"
	"strings"
	"testing"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
	"k8s.io/client-go/rest"

	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/installation"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/storm/ledgercheck"
)

const (
	// patience is how long anything may take on a busy machine that nobody kills
	// anything on.
	patience = time.Minute
	// reservationTTL is the least that the controller allows.
	reservationTTL = 45 * time.Second
	// user is who creates what tenants run.
	user = "storm"
)

// cluster is all of usher on a control plane, and who reads its etcd.
type cluster struct {
	*installation.Installation
	folder   string
	follower *follower
	admin    kubernetes.Interface
}

// users may create what the tests create; what they may have is usher's business.
const users = `
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata: {name: storm}
rules:
  - {apiGroups: [""], resources: [pods], verbs: ["*"]}
  - {apiGroups: [apps], resources: [deployments, deployments/scale], verbs: ["*"]}
  - {apiGroups: [batch], resources: [jobs], verbs: ["*"]}
  - {apiGroups: [resource.k8s.io], resources: [resourceclaims, resourceclaimtemplates], verbs: ["*"]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRoleBinding
metadata: {name: storm}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: storm}
subjects:
  - {apiGroup: rbac.authorization.k8s.io, kind: User, name: storm}
`

func startCluster(ctx context.Context, folder string, webhooks int, tree repository.Tree) (*cluster, error) {
	c := &cluster{folder: folder}
	var err error
	c.Installation, err = installation.Start(ctx, installation.Options{
		Folder: folder, Webhooks: webhooks, Controllers: 2, ReservationTTL: reservationTTL, Tree: tree,
		// A small API server: see TestTheLedgerIsWrittenWhileTheAPIServerIsFull.
		APIServer: []string{"--max-requests-inflight=60", "--max-mutating-requests-inflight=30"},
	})
	if err != nil {
		return nil, err
	}
	if err := c.begin(ctx); err != nil {
		c.release()
		return nil, err
	}
	return c, nil
}

func (c *cluster) begin(ctx context.Context) (err error) {
	if c.follower, err = follow(ctx, c.Etcd()); err != nil {
		return err
	}
	if c.admin, err = kubernetes.NewForConfig(c.Config()); err != nil {
		return err
	}
	return c.ApplyYAML(ctx, users)
}

func (c *cluster) release() {
	c.follower.release()
	c.Release()
}

// client returns a user's client with connections of its own.
func (c *cluster) client(t testing.TB) kubernetes.Interface {
	t.Helper()
	config, err := c.As(user)
	must(t, err)
	config.WarningHandler = rest.NoWarnings{}
	// A dialer of its own keeps client-go from sharing connections.
	config.Dial = (&net.Dialer{}).DialContext
	client, err := kubernetes.NewForConfig(config)
	must(t, err)
	return client
}

// clients returns as many clients as given.
func (c *cluster) clients(t testing.TB, n int) []kubernetes.Interface {
	t.Helper()
	out := make([]kubernetes.Interface, n)
	for i := range out {
		out[i] = c.client(t)
	}
	return out
}

// tenant is one tenant of a test.
type tenant struct {
	*cluster
	name       string
	namespaces []string
}

// tenant makes a tenant with limits, the fields of spec.gpu in YAML, and namespaces,
// and waits until its ledger counts.
func (c *cluster) tenant(t *testing.T, name, gpu string, namespaces ...string) *tenant {
	t.Helper()
	c.follower.track(name, namespaces...)
	manifests := []string{fmt.Sprintf(`
apiVersion: usher.dev/v1alpha1
kind: Tenant
metadata: {name: %s}
spec:
  gpu: {%s}
  parameters: {gpu_quota: {shared_replicas: 2}}`, name, gpu)}
	for _, namespace := range namespaces {
		manifests = append(manifests, fmt.Sprintf(`
apiVersion: v1
kind: Namespace
metadata: {name: %s, labels: {tenant: %s}}`, namespace, name))
	}
	must(t, c.ApplyYAML(t.Context(), strings.Join(manifests, "\n---")))
	n := &tenant{cluster: c, name: name, namespaces: namespaces}
	n.settled(t, patience)
	return n
}

// settled waits until the ledger says exactly what lives.
func (n *tenant) settled(t *testing.T, patience time.Duration) {
	t.Helper()
	await.Success(t, patience, "the ledger of "+n.name+" is what lives", func() (struct{}, error) {
		if err := n.follower.catchUp(t.Context()); err != nil {
			t.Fatal(err)
		}
		var differences []string
		n.follower.check(n.name, func(c *ledgercheck.Checker) { differences = c.Unsettled() })
		if len(differences) > 0 {
			return struct{}{}, fmt.Errorf("%d differences, the first: %s", len(differences), differences[0])
		}
		return struct{}{}, nil
	})
}

// intact fails the test if any promise was broken up to now.
func (n *tenant) intact(t *testing.T) ledgercheck.Figures {
	t.Helper()
	must(t, n.follower.catchUp(t.Context()))
	var figures ledgercheck.Figures
	n.follower.check(n.name, func(c *ledgercheck.Checker) {
		for _, violation := range c.Violations() {
			t.Error(violation)
		}
		figures = c.Figures()
	})
	t.Logf("%s: %d versions of the ledger, %d statuses, %d objects; at most %s held and reserved, %s by what lived",
		n.name, figures.Versions, figures.Writes, figures.Objects, gpus(figures.Peak), gpus(figures.LivePeak))
	return figures
}

// clear deletes all pods of the tenant and waits until its ledger is empty.
func (n *tenant) clear(t *testing.T) {
	t.Helper()
	for _, namespace := range n.namespaces {
		must(t, n.admin.CoreV1().Pods(namespace).DeleteCollection(t.Context(), atOnce(), metav1.ListOptions{}))
	}
	n.settled(t, patience)
}

// gpus writes millionths of a GPU as people do.
func gpus(millionths int64) string {
	return strings.TrimSuffix(strings.TrimRight(fmt.Sprintf("%d.%06d", millionths/1e6, millionths%1e6), "0"), ".")
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func ignoreNotFound(err error) error {
	if apierrors.IsNotFound(err) {
		return nil
	}
	return err
}

func ignoreExists(err error) error {
	if apierrors.IsAlreadyExists(err) {
		return nil
	}
	return err
}
