package steady

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/dynamic"
	"k8s.io/client-go/kubernetes"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/installation"
	"usher.dev/usher/test/e2e/steady/load"
)

// patience is how long anything may take on a busy machine.
const patience = time.Minute

// How the cluster is built.
const (
	webhooks    = 3
	controllers = 2
	apiServers  = 2
)

// endpointsLag is how much later than a replica a load balancer hears that it ends.
const endpointsLag = 2 * time.Second

// apiServerFlags let an API server end as one behind a load balancer should: it says
// that it is not ready any more, goes on for a while, and ends watches one by one.
// Now and then it asks a client to connect anew, so that clients do not stay away
// from one that has come back.
var apiServerFlags = []string{
	"--shutdown-delay-duration=3s",
	"--shutdown-watch-termination-grace-period=3s",
	"--goaway-chance=0.02",
}

// cluster is a control plane with all of usher, whose certificates are its own.
type cluster struct {
	*installation.Installation
	admin   kubernetes.Interface
	ledgers dynamic.ResourceInterface
}

func start(t *testing.T, certificates installation.Certificates) *cluster {
	t.Helper()
	installed, err := installation.Start(t.Context(), installation.Options{
		Folder: t.TempDir(), Webhooks: webhooks, Controllers: controllers, APIServers: apiServers,
		APIServer: apiServerFlags, Certificates: &certificates, Policies: policies("first"),
	})
	must(t, err)
	t.Cleanup(installed.Release)
	c := &cluster{Installation: installed}
	c.admin, err = kubernetes.NewForConfig(c.Config())
	must(t, err)
	all, err := dynamic.NewForConfig(c.Config())
	must(t, err)
	c.ledgers = all.Resource(v1alpha1.GroupVersion.WithResource("quotaledgers"))
	must(t, c.ApplyYAML(t.Context(), load.Manifests()))
	for _, tenant := range load.Tenants {
		c.awaitTenant(t, tenant)
	}
	return c
}

// awaitTenant waits until a tenant's ledger counts and its user is let in.
func (c *cluster) awaitTenant(t *testing.T, tenant string) {
	t.Helper()
	await.Success(t, patience, "the ledger of "+tenant+" counts", func() (struct{}, error) {
		status, err := c.ledger(t.Context(), tenant)
		if err == nil && status["counted"] == nil {
			err = errors.New("it does not yet")
		}
		return struct{}{}, err
	})
	config, err := c.As(load.User(tenant))
	must(t, err)
	client, err := kubernetes.NewForConfig(config)
	must(t, err)
	for _, namespace := range load.Namespaces(tenant) {
		await.Success(t, patience, "the user of "+tenant+" is let in", func() (struct{}, error) {
			_, err := client.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{Limit: 1})
			return struct{}{}, err
		})
	}
}

// ledger is the status of a tenant's ledger.
func (c *cluster) ledger(ctx context.Context, tenant string) (map[string]any, error) {
	object, err := c.ledgers.Get(ctx, tenant, metav1.GetOptions{})
	if err != nil {
		return nil, err
	}
	status, _ := object.Object["status"].(map[string]any)
	return status, nil
}

// settled waits until nothing is held and nothing reserved: all that was admitted
// has been deleted, and nothing was reserved for a request that came to nothing.
func (c *cluster) settled(t *testing.T) {
	t.Helper()
	for _, tenant := range load.Tenants {
		await.Success(t, patience, "the ledger of "+tenant+" is empty", func() (struct{}, error) {
			status, err := c.ledger(t.Context(), tenant)
			used, _ := status["used"].(int64)
			reserved, _ := status["reserved"].(int64)
			if err == nil && used+reserved != 0 {
				err = fmt.Errorf("%d used, %d reserved, in millionths of a GPU", used, reserved)
			}
			return struct{}{}, err
		})
	}
}

// audited reads the audit logs of all API servers.
func (c *cluster) audited(t *testing.T) load.Audited {
	t.Helper()
	audited := load.Audited{}
	for _, server := range c.Front.Servers {
		log, err := server.AuditLog()
		must(t, err)
		must(t, audited.Read(log))
	}
	return audited
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
