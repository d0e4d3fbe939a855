package steady

import (
	"testing"
	"time"

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
type cluster struct{ *installation.Installation }

func start(t *testing.T, certificates installation.Certificates) *cluster {
	t.Helper()
	installed, err := installation.Start(t.Context(), installation.Options{
		Folder: t.TempDir(), Webhooks: webhooks, Controllers: controllers, APIServers: apiServers,
		APIServer: apiServerFlags, Certificates: &certificates, Policies: policies("first"),
	})
	must(t, err)
	t.Cleanup(installed.Release)
	must(t, load.Prepare(t.Context(), installed))
	return &cluster{installed}
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
