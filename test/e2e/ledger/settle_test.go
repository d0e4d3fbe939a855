package ledger

import (
	"context"
	"fmt"
	"sync"
	"testing"

	corev1 "k8s.io/api/core/v1"
	eventsv1 "k8s.io/api/events/v1"
	resourcev1 "k8s.io/api/resource/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
	"usher.dev/usher/test/e2e/await"
)

// awaitEvent waits for an Event of a Tenant.
func awaitEvent(t *testing.T, tenant, reason string) string {
	t.Helper()
	return await.Success(t, patience, "an Event "+reason, func() (string, error) {
		var events eventsv1.EventList
		if err := admin.List(t.Context(), &events); err != nil {
			return "", err
		}
		for _, e := range events.Items {
			if e.Reason == reason && e.Regarding.Kind == "Tenant" && e.Regarding.Name == tenant {
				return e.Note, nil
			}
		}
		return "", fmt.Errorf("%d Events are others", len(events.Items))
	})
}

// admit reserves for a pod and makes it, as the API server does.
func admit(t *testing.T, r *quota.Reserver, tenant string, pod *corev1.Pod, gpus int64) {
	t.Helper()
	yes, err := reserve(t, r, tenant, askFor(pod.Namespace, pod.Labels[v1alpha1.ReservationLabel], gpus))
	if err != nil || !yes {
		t.Fatalf("reserve for %s: %v, %v", pod.Name, yes, err)
	}
	create(t, pod)
}

func TestPodsComeAndGo(t *testing.T) {
	s := startSettler(t, long)
	tenant := newTenant(t, "8")
	ns, r := tenant.Name, newReserver(t, plane.Config())
	ledger := awaitLedger(t, ns, "the ledger is made and counted", counts(0, 0))
	if !metav1.IsControlledBy(ledger, tenant) || *ledger.Spec.Hard.MicroUnits != 8*int64(quota.One) {
		t.Errorf("the ledger is %+v", ledger)
	}
	watchOver(t, ledger, 8)

	announced := newPod(ns, "announced", "r1", 2)
	admit(t, r, ns, announced, 2)
	ledger = awaitLedger(t, ns, "the pod holds what was reserved", counts(2, 0))
	want := v1alpha1.LedgerEntry{Reservation: "r1", Kind: "Pod", Namespace: ns, Name: "announced", UID: announced.UID, MicroUnits: 2_000_000, Resources: map[string]int64{gpu: 2}}
	if got := ledger.Status.Holders; len(got) != 1 || fmt.Sprint(got[0]) != fmt.Sprint(want) {
		t.Errorf("holders are %+v, want %+v", got, want)
	}

	stranger := newPod(ns, "stranger", "", 3)
	create(t, stranger)
	awaitLedger(t, ns, "a pod that came without a reservation counts", counts(5, 0))
	create(t, newPod(ns, "plain", "", 0))

	stranger.Status.Phase = corev1.PodSucceeded
	if err := admin.Status().Update(t.Context(), stranger); err != nil {
		t.Fatal(err)
	}
	awaitLedger(t, ns, "a pod that has ended holds nothing", counts(2, 0))
	deletePod(t, announced)
	awaitLedger(t, ns, "a pod that is gone holds nothing", counts(0, 0))

	brief := newPod(ns, "brief", "r2", 1)
	admit(t, r, ns, brief, 1)
	deletePod(t, brief)
	awaitLedger(t, ns, "a pod that came and went at once holds nothing, and its reservation waits for none", counts(0, 0))
	await.Success(t, patience, "the metrics show it", func() (any, error) {
		limit, used := s.metric(t, "usher_tenant_gpu_units", "limit", ns), s.metric(t, "usher_tenant_gpu_units", "used", ns)
		if limit != 8 || used != 0 {
			return nil, fmt.Errorf("limit %v, used %v", limit, used)
		}
		return nil, nil
	})
}

func TestAReservationWhosePodDoesNotComeLapses(t *testing.T) {
	s := startSettler(t, short)
	tenant := newTenant(t, "8")
	ns, r := tenant.Name, newReserver(t, plane.Config())
	awaitLedger(t, ns, "the ledger is counted", counts(0, 0))
	for _, id := range []string{"r1", "r2"} {
		if yes, err := reserve(t, r, ns, askFor(ns, id, 3)); err != nil || !yes {
			t.Fatal(yes, err)
		}
	}
	create(t, newPod(ns, "came", "r2", 3))
	awaitLedger(t, ns, "one came, one is free again", counts(3, 0))
	if note := awaitEvent(t, ns, "ReservationExpired"); note != fmt.Sprintf("3 GPUs were reserved for Pod %s/pod-r1, which did not come within 3s; they are free again", ns) {
		t.Errorf("the Event says %q", note)
	}
	if n := s.metric(t, "usher_ledger_expiries_total"); n != 1 {
		t.Errorf("%v expiries", n)
	}
}

func TestALostLedgerIsMadeAgain(t *testing.T) {
	startSettler(t, short)
	tenant := newTenant(t, "8")
	ns, r := tenant.Name, newReserver(t, plane.Config())
	awaitLedger(t, ns, "the ledger is counted", counts(0, 0))
	admit(t, r, ns, newPod(ns, "announced", "r1", 2), 2)
	awaitLedger(t, ns, "the pod counts", counts(2, 0))
	if yes, err := reserve(t, r, ns, askFor(ns, "r2", 1)); err != nil || !yes {
		t.Fatal(yes, err)
	}
	ledger, err := ledgerNow(t.Context(), ns)
	if err != nil {
		t.Fatal(err)
	}
	if err := admin.Delete(t.Context(), ledger); err != nil {
		t.Fatal(err)
	}
	// A pod that was admitted before comes while there is no ledger to say so.
	create(t, newPod(ns, "late", "r2", 1))
	awaitLedger(t, ns, "the ledger is made again, with both pods", func(l *v1alpha1.QuotaLedger) bool {
		return l.UID != ledger.UID && counts(3, 0)(l)
	})
	awaitEvent(t, ns, "LedgerRebuilt")
}

func TestWhatHappensWhileNoSettlerRuns(t *testing.T) {
	first := startSettler(t, short)
	tenant := newTenant(t, "8")
	ns, r := tenant.Name, newReserver(t, plane.Config())
	awaitLedger(t, ns, "the ledger is counted", counts(0, 0))
	stays, goes, ends := newPod(ns, "stays", "r1", 1), newPod(ns, "goes", "r2", 1), newPod(ns, "ends", "r3", 1)
	for _, pod := range []*corev1.Pod{stays, goes, ends} {
		admit(t, r, ns, pod, 1)
	}
	awaitLedger(t, ns, "three pods count", counts(3, 0))
	first.stop()

	deletePod(t, goes)
	ends.Status.Phase = corev1.PodFailed
	if err := admin.Status().Update(t.Context(), ends); err != nil {
		t.Fatal(err)
	}
	admit(t, r, ns, newPod(ns, "comes", "r4", 2), 2)
	if yes, err := reserve(t, r, ns, askFor(ns, "r5", 1)); err != nil || !yes {
		t.Fatal(yes, err)
	}
	awaitLedger(t, ns, "nothing is settled meanwhile", counts(3, 3))
	startSettler(t, short)
	awaitLedger(t, ns, "the next settler finds out", counts(3, 0))
}

func TestANamespaceThatMoves(t *testing.T) {
	startSettler(t, short)
	from := newTenant(t, "8")
	to := from.DeepCopy()
	to.ObjectMeta = metav1.ObjectMeta{Name: from.Name + "-to"}
	create(t, to)
	t.Cleanup(func() { _ = admin.Delete(context.Background(), to) })
	awaitLedger(t, from.Name, "the ledger is counted", counts(0, 0))
	awaitLedger(t, to.Name, "the other, too", counts(0, 0))
	admit(t, newReserver(t, plane.Config()), from.Name, newPod(from.Name, "p", "r1", 2), 2)
	awaitLedger(t, from.Name, "the pod counts", counts(2, 0))
	if yes, err := reserve(t, newReserver(t, plane.Config()), from.Name, askFor(from.Name, "r2", 1)); err != nil || !yes {
		t.Fatal(yes, err)
	}
	move := client.MergeFrom(namespaceOf(from.Name, from.Name))
	if err := admin.Patch(t.Context(), namespaceOf(from.Name, to.Name), move); err != nil {
		t.Fatal(err)
	}
	awaitLedger(t, to.Name, "the pod counts for the other", counts(2, 0))
	awaitLedger(t, from.Name, "and not for the first", counts(0, 0))
}

func TestATenantThatMayHoldNoGPUAnyMore(t *testing.T) {
	startSettler(t, short)
	tenant := newTenant(t, "8")
	ns := tenant.Name
	awaitLedger(t, ns, "the ledger is counted", counts(0, 0))
	pod := newPod(ns, "p", "r1", 2)
	admit(t, newReserver(t, plane.Config()), ns, pod, 2)
	awaitLedger(t, ns, "the pod counts", counts(2, 0))
	if err := admin.Get(t.Context(), types.NamespacedName{Name: ns}, tenant); err != nil {
		t.Fatal(err)
	}
	tenant.Spec.GPU = nil
	if err := admin.Update(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	awaitLedger(t, ns, "the ledger stays while the pod does, and lets nothing in", func(l *v1alpha1.QuotaLedger) bool {
		return counts(2, 0)(l) && l.Spec.Hard.MicroUnits != nil && *l.Spec.Hard.MicroUnits == 0
	})
	if note := awaitEvent(t, ns, "OverLimit"); note != "the tenant is above its limit: it holds 2 GPUs and may hold 0; nothing is taken from it, and nothing more is admitted until it holds less" {
		t.Errorf("the Event says %q", note)
	}
	deletePod(t, pod)
	await.Success(t, patience, "the empty ledger goes", func() (any, error) {
		_, err := ledgerNow(t.Context(), ns)
		return nil, isNotThere(err)
	})
}

func TestALedgerGoesWithItsTenant(t *testing.T) {
	startSettler(t, long)
	tenant := newTenant(t, "8")
	awaitLedger(t, tenant.Name, "the ledger is counted", counts(0, 0))
	create(t, newPod(tenant.Name, "p", "", 1))
	awaitLedger(t, tenant.Name, "the pod counts", counts(1, 0))
	if err := admin.Delete(t.Context(), tenant); err != nil {
		t.Fatal(err)
	}
	await.Success(t, patience, "the ledger goes", func() (any, error) {
		_, err := ledgerNow(t.Context(), tenant.Name)
		return nil, isNotThere(err)
	})
}

func TestClaimsHoldFromCreationToDeletion(t *testing.T) {
	startSettler(t, long)
	tenant := newTenant(t, "8")
	ns := tenant.Name
	awaitLedger(t, ns, "the ledger is counted", counts(0, 0))
	claim := &resourcev1.ResourceClaim{ObjectMeta: metav1.ObjectMeta{Namespace: ns, Name: "c", Labels: map[string]string{v1alpha1.ReservationLabel: "r1"}}}
	claim.Spec.Devices.Requests = []resourcev1.DeviceRequest{{Name: "gpus", Exactly: &resourcev1.ExactDeviceRequest{
		DeviceClassName: "gpu.nvidia.com", AllocationMode: resourcev1.DeviceAllocationModeExactCount, Count: 2,
	}}}
	ask := askFor(ns, "r1", 2)
	ask.Entry.Kind, ask.Entry.Name = v1alpha1.KindClaim, "c"
	if yes, err := reserve(t, newReserver(t, plane.Config()), ns, ask); err != nil || !yes {
		t.Fatal(yes, err)
	}
	create(t, claim)
	awaitLedger(t, ns, "the claim holds what was reserved", counts(2, 0))
	// What a scheduler makes for a pod's extended resources is the pod's.
	made := claim.DeepCopy()
	made.ObjectMeta = metav1.ObjectMeta{Namespace: ns, Name: "made", Annotations: map[string]string{resourcev1.ExtendedResourceClaimAnnotation: "true"}}
	create(t, made)
	// A holder that says so of itself stays one.
	change := client.MergeFrom(claim.DeepCopy())
	claim.Annotations, claim.Labels = made.Annotations, nil
	if err := admin.Patch(t.Context(), claim, change); err != nil {
		t.Fatal(err)
	}
	create(t, newPod(ns, "p", "", 1))
	awaitLedger(t, ns, "the claim and a pod count, the other claim does not", counts(3, 0))
	if err := admin.Delete(t.Context(), claim); err != nil {
		t.Fatal(err)
	}
	awaitLedger(t, ns, "a claim that is gone holds nothing", counts(1, 0))
}

func TestSharesAreTruedUpByTheirNode(t *testing.T) {
	startSettler(t, long)
	tenant := newTenant(t, "8")
	ns := tenant.Name
	awaitLedger(t, ns, "the ledger is counted", counts(0, 0))
	pod := newPod(ns, "p", "", 0)
	shared := corev1.ResourceList{"nvidia.com/gpu.shared": newPod("", "", "", 2).Spec.Containers[0].Resources.Limits[gpu]}
	pod.Spec.Containers[0].Resources = corev1.ResourceRequirements{Limits: shared, Requests: shared}
	pod.Spec.NodeName = ns + "-node"
	create(t, pod)
	awaitLedger(t, ns, "a share of a node that nobody knows is a whole GPU", counts(2, 0))
	node := &v1alpha1.GPUNode{ObjectMeta: metav1.ObjectMeta{Name: pod.Spec.NodeName}}
	create(t, node)
	t.Cleanup(func() { _ = admin.Delete(context.Background(), node) })
	node.Status.Resources = []v1alpha1.DeviceResource{{Name: "nvidia.com/gpu.shared", Devices: []string{"GPU-0"}, Replicas: 4}}
	if err := admin.Status().Update(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	half := func(l *v1alpha1.QuotaLedger) bool { return l.Status.Used == int64(quota.One)/2 }
	awaitLedger(t, ns, "two of four shares are half a GPU", half)
	node.Status.Resources = nil
	if err := admin.Status().Update(t.Context(), node); err != nil {
		t.Fatal(err)
	}
	create(t, newPod(ns, "other", "", 1))
	awaitLedger(t, ns, "a device plugin that is away changes nothing", func(l *v1alpha1.QuotaLedger) bool {
		return l.Status.Used == int64(quota.One)*3/2
	})
}

func TestABurstIsSettledInFewWritesAndRestInNone(t *testing.T) {
	const pods = 60
	s := startSettler(t, long)
	tenant := newTenant(t, "64")
	ns, r := tenant.Name, newReserver(t, plane.Config())
	awaitLedger(t, ns, "the ledger is counted", counts(0, 0))
	var group sync.WaitGroup
	for i := range pods {
		group.Go(func() {
			pod := newPod(ns, fmt.Sprint("p", i), fmt.Sprint("r", i), 1)
			if yes, err := reserve(t, r, ns, askFor(ns, fmt.Sprint("r", i), 1)); err != nil || !yes {
				t.Error(yes, err)
			}
			if err := admin.Create(t.Context(), pod); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	ledger := awaitLedger(t, ns, "all pods count", counts(pods, 0))
	writes := s.metric(t, "usher_ledger_writes_total", "written")
	if writes >= pods/2 {
		t.Errorf("%d pods took %v writes", pods, writes)
	}
	// Changes that change nothing, and then one of another tenant's that the
	// settler must have come to after them.
	for i := range pods {
		pod := newPod(ns, fmt.Sprint("p", i), "", 0)
		change := client.MergeFrom(pod.DeepCopy())
		pod.Annotations = map[string]string{"seen": "yes"}
		if err := admin.Patch(t.Context(), pod, change); err != nil {
			t.Fatal(err)
		}
	}
	other := tenant.DeepCopy()
	other.ObjectMeta = metav1.ObjectMeta{Name: ns + "-other"}
	create(t, other)
	t.Cleanup(func() { _ = admin.Delete(context.Background(), other) })
	awaitLedger(t, other.Name, "the other's ledger is counted", counts(0, 0))
	now, err := ledgerNow(t.Context(), ns)
	if err != nil || now.ResourceVersion != ledger.ResourceVersion {
		t.Errorf("the ledger was written at rest: %v, %v", describe(now), err)
	}
}
