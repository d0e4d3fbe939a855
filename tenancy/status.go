package tenancy

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	apimeta "k8s.io/apimachinery/pkg/api/meta"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/quota"
)

// statusNamespaces bounds the list in a Tenant's status, as its schema does; all
// are counted.
const statusNamespaces = 1024

// useEvery is the least time between two writes of what a tenant uses.
const useEvery = 10 * time.Second

// report writes the Tenant's status where it has changed.
func (r *run) report(ctx context.Context) error {
	status := r.tenant.Status.DeepCopy()
	status.ObservedGeneration = r.tenant.Generation
	r.setAccepted(status)
	r.setReady(status)
	r.setWithinLimits(status)
	status.NamespaceCount = int32(len(r.own))
	status.Namespaces = nil
	for _, name := range sortedKeys(r.own)[:min(len(r.own), statusNamespaces)] {
		status.Namespaces = append(status.Namespaces, v1alpha1.TenantNamespace{
			Name: name, Made: isMadeFor(r.own[name], r.tenant.Name, r.options.TenantLabel),
		})
	}
	r.reportUse(status)
	r.tell(status)
	return r.writeStatus(ctx, r.tenant, status)
}

// reportUse writes what the tenant uses, coarsely in time: it changes with every pod.
func (r *run) reportUse(status *v1alpha1.TenantStatus) {
	gpu, used := gpuUse(r.ledger), r.quotaUse()
	if equality.Semantic.DeepEqual(gpu, status.GPU) && equality.Semantic.DeepEqual(used, status.Quota) {
		return
	}
	if left := r.uses.wait(r.tenant.Name); left > 0 {
		r.lookAgain(left)
		return
	}
	r.uses.wrote(r.tenant.Name)
	status.GPU, status.Quota = gpu, used
}

func gpuUse(ledger *v1alpha1.QuotaLedger) *v1alpha1.GPUUse {
	if ledger == nil || ledger.Status.Counted == nil {
		return nil
	}
	return &v1alpha1.GPUUse{
		Used: quota.Units(ledger.Status.Used).String(), Reserved: quota.Units(ledger.Status.Reserved).String(),
	}
}

// quotaUse is what all namespaces hold together of what the tenant-wide quota bounds.
func (r *run) quotaUse() corev1.ResourceList {
	if len(r.tenant.Spec.Quota) == 0 {
		return nil
	}
	total := noShare(r.tenant.Spec.Quota)
	for namespace := range r.own {
		share, ok := r.managed[keyOf(newShare(r.tenant, namespace, ""))].(*corev1.ResourceQuota)
		if !ok {
			continue
		}
		for name, sum := range total {
			sum.Add(share.Status.Used[name])
			total[name] = sum
		}
	}
	return total
}

// tell tells of conditions that have just become bad.
func (r *run) tell(status *v1alpha1.TenantStatus) {
	for _, kind := range []string{v1alpha1.ConditionAccepted, v1alpha1.ConditionReady} {
		now, before := apimeta.FindStatusCondition(status.Conditions, kind), apimeta.FindStatusCondition(r.tenant.Status.Conditions, kind)
		if now.Status != metav1.ConditionFalse || before != nil && before.Status == now.Status && before.Reason == now.Reason {
			continue
		}
		// What is merely on its way is no event.
		if now.Reason != ReasonNotCounted && now.Reason != "NotAccepted" {
			r.events.Eventf(r.tenant, nil, corev1.EventTypeWarning, now.Reason, "Reconcile", "%s", now.Message)
		}
	}
}

// writeStatus writes over the status that was read, or fails.
func (r *Reconciler) writeStatus(ctx context.Context, tenant *v1alpha1.Tenant, status *v1alpha1.TenantStatus) error {
	if equality.Semantic.DeepEqual(tenant.Status, *status) {
		return nil
	}
	tenant = tenant.DeepCopy()
	tenant.Status = *status
	err := r.client.Status().Update(ctx, tenant, client.FieldOwner(FieldManager))
	if apierrors.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("write the Tenant's status: %w", err)
	}
	r.recent.wrote(tenant)
	return nil
}

func sortedKeys[T any](m map[string]T) []string { return slices.Sorted(maps.Keys(m)) }

// uses remember when a tenant's use was written last.
type uses struct {
	mu   sync.Mutex
	last map[string]time.Time
}

func newUses() *uses { return &uses{last: map[string]time.Time{}} }

// wait is how long to wait before use is written again.
func (u *uses) wait(tenant string) time.Duration {
	u.mu.Lock()
	defer u.mu.Unlock()
	last, ok := u.last[tenant]
	if !ok {
		return 0
	}
	return useEvery - time.Since(last)
}

func (u *uses) wrote(tenant string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.last[tenant] = time.Now()
}

func (u *uses) forget(tenant string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	delete(u.last, tenant)
}
