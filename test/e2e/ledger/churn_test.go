package ledger

import (
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
)

// TestTwoSettlersAndThreeReplicasAtOnce is a lease that was not kept: two settlers
// work on one ledger, with watches that lag differently, while pods come and go.
func TestTwoSettlersAndThreeReplicasAtOnce(t *testing.T) {
	const clients, each, limit = 9, 12, 6
	startSettler(t, short)
	startSettler(t, short)
	tenant := newTenant(t, fmt.Sprint(limit))
	ns := tenant.Name
	watchOver(t, awaitLedger(t, ns, "the ledger is counted", counts(0, 0)), limit)
	replicas := []*quota.Reserver{newReserver(t, plane.Config()), newReserver(t, plane.Config()), newReserver(t, plane.Config())}
	var group sync.WaitGroup
	var mu sync.Mutex
	stay := map[string]bool{}
	for c := range clients {
		group.Go(func() {
			for i := range each {
				id := fmt.Sprintf("r-%d-%d", c, i)
				if yes, err := reserve(t, replicas[c%len(replicas)], ns, askFor(ns, id, 1)); err != nil || !yes {
					if err != nil {
						t.Error(err)
					}
					continue
				}
				pod := newPod(ns, "pod-"+id, id, 1)
				if i%4 == 3 {
					continue // the request fails elsewhere, and no pod comes
				}
				if err := admin.Create(t.Context(), pod); err != nil {
					t.Error(err)
					return
				}
				if i == each-2 {
					mu.Lock()
					stay[pod.Name] = true
					mu.Unlock()
					continue
				}
				if err := admin.Delete(t.Context(), pod, client.GracePeriodSeconds(0)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	ledger := awaitLedger(t, ns, "the ledger says what is there", counts(int64(len(stay)), 0))
	for _, e := range ledger.Status.Holders {
		if !stay[e.Name] {
			t.Errorf("%s holds %d", e.Name, e.MicroUnits)
		}
	}
	var pods corev1.PodList
	if err := admin.List(t.Context(), &pods, client.InNamespace(ns), client.HasLabels{v1alpha1.ReservationLabel}); err != nil || len(pods.Items) != len(stay) {
		t.Errorf("%d pods, want %d: %v", len(pods.Items), len(stay), err)
	}
}
