package tenancy

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/watch"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/tenancy"
)

const sharingTenant = `
metadata: {name: sharing}
spec:
  owners: [{kind: User, name: alice, role: Admin}]
  namespaces: [sharing-0, sharing-1, sharing-2, sharing-3]
  quota: {pods: "40"}
`

// creators is how many clients create pods at once.
const creators = 8

// auditor follows every version of every share of a tenant, and every pod, and
// notes what there is at most.
type auditor struct {
	mu     sync.Mutex
	shares map[string]int64
	pods   map[types.UID]bool
	// most is the largest sum of limits, mostPods the most pods at one moment.
	most, mostPods int64
	versions       int
}

// limit is the most that admission goes by in a namespace, now or once
// kube-controller-manager has taken note of the share.
func limit(quota *corev1.ResourceQuota) int64 {
	hard, enforced := quota.Spec.Hard["pods"], quota.Status.Hard["pods"]
	return max(hard.Value(), enforced.Value())
}

func (a *auditor) saw(event watch.Event) {
	a.mu.Lock()
	defer a.mu.Unlock()
	switch o := event.Object.(type) {
	case *corev1.ResourceQuota:
		a.versions++
		a.shares[o.Namespace] = limit(o)
		if event.Type == watch.Deleted {
			delete(a.shares, o.Namespace)
		}
		var sum int64
		for _, limit := range a.shares {
			sum += limit
		}
		a.most = max(a.most, sum)
	case *corev1.Pod:
		a.pods[o.UID] = true
		if event.Type == watch.Deleted {
			delete(a.pods, o.UID)
		}
		a.mostPods = max(a.mostPods, int64(len(a.pods)))
	}
}

func (a *auditor) count() int {
	a.mu.Lock()
	defer a.mu.Unlock()
	return len(a.pods)
}

// audit follows until the test ends.
func (c *cluster) audit(t *testing.T, tenant string) *auditor {
	t.Helper()
	a := &auditor{shares: map[string]int64{}, pods: map[types.UID]bool{}}
	watcher, err := client.NewWithWatch(c.Config(), client.Options{Scheme: scheme})
	if err != nil {
		t.Fatal(err)
	}
	for _, follow := range []struct {
		list    client.ObjectList
		options client.ListOption
	}{
		{&corev1.ResourceQuotaList{}, client.MatchingLabels{tenancy.TenantLabel: tenant}},
		{&corev1.PodList{}, client.MatchingLabels{"of": tenant}},
	} {
		events, err := watcher.Watch(t.Context(), follow.list, follow.options)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(events.Stop)
		go func() {
			for event := range events.ResultChan() {
				a.saw(event)
			}
		}()
	}
	return a
}

// addPod creates one pod. Whether there was room is no error.
func (c *cluster) addPod(ctx context.Context, namespace string) (created bool, err error) {
	pod := &corev1.Pod{
		ObjectMeta: metav1.ObjectMeta{Namespace: namespace, GenerateName: "pod-", Labels: map[string]string{"of": "sharing"}},
		Spec:       corev1.PodSpec{Containers: []corev1.Container{{Name: "c", Image: "example.com/i"}}},
	}
	err = c.Create(ctx, pod)
	if apierrors.IsForbidden(err) || apierrors.IsConflict(err) {
		return false, nil
	}
	return err == nil, err
}

// fill creates pods in a namespace, many at once, until the tenant has n.
func (c *cluster) fill(t *testing.T, a *auditor, namespace string, n int) {
	t.Helper()
	end := time.Now().Add(patience)
	var wait sync.WaitGroup
	for range creators {
		wait.Go(func() {
			for a.count() < n && time.Now().Before(end) {
				created, err := c.addPod(t.Context(), namespace)
				if err != nil {
					t.Error(err)
					return
				}
				if !created {
					time.Sleep(20 * time.Millisecond)
				}
			}
		})
	}
	wait.Wait()
	if got := a.count(); got < n {
		t.Errorf("%s: the tenant has %d pods and room for %d", namespace, got, n)
	}
}

func (c *cluster) empty(t *testing.T, namespace string) {
	t.Helper()
	if err := c.DeleteAllOf(t.Context(), &corev1.Pod{}, client.InNamespace(namespace), client.GracePeriodSeconds(0)); err != nil {
		t.Fatal(err)
	}
}

func TestSharesMoveToWhereTheyAreUsedAndNeverSumUpToMore(t *testing.T) {
	shared.run(t)
	tenant := shared.tenant(t, sharingTenant)
	a := shared.audit(t, "sharing")
	shared.awaitReady(t, "sharing")

	// One namespace after the other takes all that there is.
	for n := range 4 {
		namespace := fmt.Sprintf("sharing-%d", n)
		shared.fill(t, a, namespace, 40)
		shared.empty(t, namespace)
		awaitTrue(t, "the pods are gone", func() error {
			if n := a.count(); n > 0 {
				return fmt.Errorf("%d pods", n)
			}
			return nil
		})
	}

	// Pods come and go everywhere at once, and two controllers believe to lead.
	second := shared.run(t)
	// No request is cut off: one that the quota has counted and nobody stores stays
	// counted until kube-controller-manager's next look at everything.
	end := time.Now().Add(10 * time.Second)
	var created, refused atomic.Int64
	var wait sync.WaitGroup
	for range creators {
		wait.Go(func() {
			for time.Now().Before(end) {
				namespace := fmt.Sprintf("sharing-%d", rand.IntN(4))
				if rand.IntN(10) == 0 {
					_ = shared.DeleteAllOf(t.Context(), &corev1.Pod{}, client.InNamespace(namespace), client.GracePeriodSeconds(0))
					continue
				}
				switch made, err := shared.addPod(t.Context(), namespace); {
				case err != nil && !apierrors.IsNotFound(err):
					t.Error(err)
				case made:
					created.Add(1)
				default:
					refused.Add(1)
				}
			}
		})
	}
	wait.Wait()
	second.stop()
	t.Logf("%d pods created, %d refused, %d versions of shares", created.Load(), refused.Load(), a.versions)

	// Less in all is never more than there was, and less than is held gives nothing.
	shared.fill(t, a, "sharing-0", 40)
	if err := shared.Patch(t.Context(), tenant, client.RawPatch(types.MergePatchType, []byte(`{"spec":{"quota":{"pods":"10"}}}`))); err != nil {
		t.Fatal(err)
	}
	shared.awaitCondition(t, "sharing", v1alpha1.ConditionWithinLimits, metav1.ConditionFalse, "OverLimit")
	for n := range 4 {
		awaitTrue(t, "nothing new is admitted", func() error {
			made, err := shared.addPod(t.Context(), fmt.Sprintf("sharing-%d", n))
			if made {
				return errors.New("a pod was admitted")
			}
			return err
		})
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.most > 40 {
		t.Errorf("shares gave %d of 40", a.most)
	}
	// kube-controller-manager, which counts anew when a pod goes or a limit changes,
	// misses pods that were admitted a moment ago: a plain ResourceQuota of 10 pods
	// under the same load has 11. It can miss no more than are being created.
	if a.mostPods > 40+creators {
		t.Errorf("there were %d pods, 40 may be", a.mostPods)
	}
	t.Logf("shares gave at most %d of 40, and there were at most %d pods", a.most, a.mostPods)
}
