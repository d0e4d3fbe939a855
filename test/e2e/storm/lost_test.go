package storm

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/api/resource"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/storm/ledgercheck"
)

// TestWhatComesToNothingComesBack: units that were reserved for pods that never
// came are free again once the reservations lapse, and until then nobody gets them.
func TestWhatComesToNothingComesBack(t *testing.T) {
	const limit = 60
	n := shared.tenant(t, "lost", `perTenant: "60"`, "lost-denied", "lost-full", "lost-names", "lost-left", "lost-cut")
	lost := 0

	t.Run("another webhook denies after the reservation", func(t *testing.T) {
		denies := errors.New("not today")
		shared.hook(t, validating, "lost-denied", func(context.Context, *corev1.Pod) (patch, error) { return nil, denies })
		const pods = 8
		client := shared.client(t)
		// Until the API server has heard of the webhook, pods get through.
		await.Success(t, patience, "a denial", func() (struct{}, error) {
			_, err := client.CoreV1().Pods("lost-denied").Create(t.Context(), hooked(podOf("lost-denied", "", nil)), metav1.CreateOptions{})
			if err == nil || !strings.Contains(err.Error(), denies.Error()) {
				return struct{}{}, fmt.Errorf("got %w", err)
			}
			return struct{}{}, nil
		})
		for range pods {
			_, err := client.CoreV1().Pods("lost-denied").Create(t.Context(), hooked(podOf("lost-denied", "", devices{wholeGPU: 1})), metav1.CreateOptions{})
			if err == nil || !strings.Contains(err.Error(), denies.Error()) {
				t.Fatalf("got %v", err)
			}
		}
		lost += pods
	})

	t.Run("a ResourceQuota denies after the reservation", func(t *testing.T) {
		const pods, room = 10, 3
		n.quota(t, "lost-full", room)
		client := shared.client(t)
		for i := range pods {
			_, err := client.CoreV1().Pods("lost-full").Create(t.Context(), podOf("lost-full", "", devices{wholeGPU: 1}), metav1.CreateOptions{})
			if full := err != nil && strings.Contains(err.Error(), "exceeded quota"); full != (i >= room) || err != nil && !full {
				t.Fatalf("pod %d: %v", i, err)
			}
		}
		lost += pods - room
	})

	t.Run("the name is taken", func(t *testing.T) {
		const again = 4
		client := shared.client(t).CoreV1().Pods("lost-names")
		_, err := client.Create(t.Context(), podOf("lost-names", "one", devices{wholeGPU: 1}), metav1.CreateOptions{})
		must(t, err)
		for range again {
			_, err := client.Create(t.Context(), podOf("lost-names", "one", devices{wholeGPU: 2}), metav1.CreateOptions{})
			if !apierrors.IsAlreadyExists(err) {
				t.Fatalf("got %v", err)
			}
		}
		lost += 2 * again
	})

	t.Run("the name is used again at once", func(t *testing.T) {
		client := shared.client(t).CoreV1().Pods("lost-names")
		for range 20 {
			created, err := client.Create(t.Context(), podOf("lost-names", "again", devices{wholeGPU: 1}), metav1.CreateOptions{})
			must(t, err)
			must(t, client.Delete(t.Context(), created.Name, atOnce()))
		}
	})

	t.Run("the client is gone after the reservation", func(t *testing.T) {
		n.leave(t, "lost-left")
		lost++
	})

	t.Run("clients go at random", func(t *testing.T) { n.cut(t, "lost-cut", 20) })

	t.Run("what was lost is nobody's", func(t *testing.T) {
		reserved := int64(0)
		must(t, n.follower.catchUp(t.Context()))
		n.follower.check(n.name, func(c *ledgercheck.Checker) { reserved = c.Current().Status.Reserved })
		t.Logf("%d were lost for certain, %s are reserved", lost, gpus(reserved))
		if reserved < int64(lost)*1e6 {
			t.Error("what was lost is not reserved any more")
		}
		// 3 and 1 live, and perhaps some of those whose clients were gone.
		room := n.fill(t, devices{wholeGPU: 1})
		if most := limit - lost - 3 - 1; room > most {
			t.Errorf("%d pods had room where %d were lost, want at most %d", room, lost, most)
		}
	})

	t.Run("and it comes back", func(t *testing.T) {
		n.settled(t, reservationTTL+patience)
		n.intact(t)
		events, _, err := shared.Kubectl(t.Context(), "", "get", "events", "-n", "default", "-o", "jsonpath={.items[?(@.reason==\"ReservationExpired\")].message}")
		must(t, err)
		t.Logf("told on the Tenant: %s", events)
		if !strings.Contains(events, "which did not come within 45s; they are free again") {
			t.Error("nobody was told")
		}
		n.clear(t)
		if got := n.fillIn(t, "lost-cut", devices{wholeGPU: 1}); got != limit {
			t.Errorf("afterwards %d pods had room, want %d", got, limit)
		}
		n.intact(t)
		n.clear(t)
	})
}

// quota makes a ResourceQuota of pods in a namespace, as if its controller had
// counted none.
func (n *tenant) quota(t *testing.T, namespace string, pods int64) {
	t.Helper()
	hard := corev1.ResourceList{corev1.ResourcePods: *resource.NewQuantity(pods, resource.DecimalSI)}
	quotas := n.admin.CoreV1().ResourceQuotas(namespace)
	made, err := quotas.Create(t.Context(), &corev1.ResourceQuota{
		ObjectMeta: metav1.ObjectMeta{Name: "few-pods"}, Spec: corev1.ResourceQuotaSpec{Hard: hard},
	}, metav1.CreateOptions{})
	must(t, err)
	made.Status = corev1.ResourceQuotaStatus{Hard: hard, Used: corev1.ResourceList{corev1.ResourcePods: resource.MustParse("0")}}
	_, err = quotas.UpdateStatus(t.Context(), made, metav1.UpdateOptions{})
	must(t, err)
}

// leave sends a request and goes away once it has a reservation, which another
// webhook waits for that is asked at the same time.
func (n *tenant) leave(t *testing.T, namespace string) {
	t.Helper()
	ctx, leave := context.WithCancel(t.Context())
	defer leave()
	reserved := make(chan string, 1)
	n.hook(t, validating, namespace, func(ctx context.Context, pod *corev1.Pod) (patch, error) {
		id := pod.Labels[v1alpha1.ReservationLabel]
		for wait(ctx, 10*time.Millisecond) {
			if n.follower.catchUp(ctx) == nil && n.reserved(id) {
				reserved <- id
				leave()
				<-ctx.Done()
			}
		}
		return nil, ctx.Err()
	})
	pods := n.client(t).CoreV1().Pods(namespace)
	await.Success(t, patience, "a request whose client left", func() (struct{}, error) {
		created, err := pods.Create(ctx, hooked(podOf(namespace, "", devices{wholeGPU: 1})), metav1.CreateOptions{})
		if err == nil {
			// It was made before the API server had heard of the webhook.
			must(t, pods.Delete(t.Context(), created.Name, atOnce()))
			return struct{}{}, errNotSeen
		}
		return struct{}{}, nil
	})
	t.Logf("reservation %s was left behind", <-reserved)
	left, err := n.admin.CoreV1().Pods(namespace).List(t.Context(), metav1.ListOptions{})
	must(t, err)
	if len(left.Items) > 0 {
		t.Errorf("the pod is there")
	}
}

// reserved says whether the ledger has a reservation.
func (n *tenant) reserved(id string) (is bool) {
	n.follower.check(n.name, func(c *ledgercheck.Checker) {
		is = slices.ContainsFunc(c.Current().Status.Reservations, func(e v1alpha1.LedgerEntry) bool { return e.Reservation == id })
	})
	return is
}

// cut sends requests and goes away a random moment later, whatever was done by then.
func (n *tenant) cut(t *testing.T, namespace string, requests int) {
	t.Helper()
	var group sync.WaitGroup
	var gone, answered atomic.Int32
	for _, client := range n.clients(t, requests) {
		after := time.Duration(rand.IntN(200)) * time.Millisecond
		group.Go(func() {
			pods := client.CoreV1().Pods(namespace)
			// The connection is made before.
			if _, err := pods.List(t.Context(), metav1.ListOptions{}); err != nil {
				t.Error(err)
			}
			ctx, leave := context.WithTimeout(t.Context(), after)
			defer leave()
			_, err := pods.Create(ctx, podOf(namespace, "", devices{wholeGPU: 1}), metav1.CreateOptions{})
			switch {
			case ctx.Err() != nil:
				gone.Add(1)
			case err == nil || isRefusal(err):
				answered.Add(1)
			default:
				t.Errorf("got %v", err)
			}
		})
	}
	group.Wait()
	t.Logf("%d clients were gone before they were answered, %d were answered", gone.Load(), answered.Load())
}
