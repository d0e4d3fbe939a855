package storm

import (
	"net"
	"sync"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/client-go/kubernetes"
)

// crowdRights let the service accounts of the tenant create pods.
const crowdRights = `
apiVersion: v1
kind: ServiceAccount
metadata: {name: robot, namespace: crowd}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: robot, namespace: crowd}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: storm}
subjects: [{kind: ServiceAccount, name: robot, namespace: crowd}]
`

// TestTheLedgerIsWrittenWhileTheAPIServerIsFull: a service account of a tenant
// creates more pods at once than the API server serves requests. Each of them
// takes a seat and waits for usher, which asks the API server in turn: had usher
// no seats of its own, all would wait for each other until their time is up.
func TestTheLedgerIsWrittenWhileTheAPIServerIsFull(t *testing.T) {
	const clients, limit = 200, 64
	n := shared.tenant(t, "crowd", `perTenant: "64"`, "crowd")
	must(t, shared.ApplyYAML(t.Context(), crowdRights))
	config, err := shared.AsServiceAccount(t.Context(), "crowd", "robot", nil)
	must(t, err)
	j := newJournal()
	var ready, group sync.WaitGroup
	ready.Add(clients)
	begin := make(chan struct{})
	for range clients {
		mine := *config
		mine.Dial = (&net.Dialer{}).DialContext
		client, err := kubernetes.NewForConfig(&mine)
		must(t, err)
		group.Go(func() {
			_, err := client.CoreV1().Pods("crowd").List(t.Context(), metav1.ListOptions{Limit: 1})
			ready.Done()
			if err != nil {
				t.Error(err)
			}
			<-begin
			pod := podOf("crowd", "", devices{wholeGPU: 1})
			pod.Spec.AutomountServiceAccountToken = new(bool)
			j.create(t.Context(), n, client, pod)
		})
	}
	ready.Wait()
	began := time.Now()
	close(begin)
	group.Wait()
	t.Logf("%s, in %s", j, time.Since(began).Round(time.Millisecond))
	if j.admitted != limit || len(j.refusals) != clients-limit {
		t.Errorf("%s; want %d admitted and %d refused", j, limit, clients-limit)
	}
	n.settled(t, patience)
	j.just(t, n)
	n.intact(t)
	n.clear(t)
}
