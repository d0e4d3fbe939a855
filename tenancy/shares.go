package tenancy

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// epochAnnotation of a share says who wrote it last.
const epochAnnotation = "usher.dev/epoch"

// shareRounds are how often one reconciliation reads the shares and writes: once
// to put its epoch on them, once to let them grow, and once to see that nothing
// is left to do.
const shareRounds = 3

// newShare is a namespace's share of the tenant-wide quota as it is made: of
// nothing, until it is known what the namespace holds.
func newShare(t *v1alpha1.Tenant, namespace, epoch string) *corev1.ResourceQuota {
	share := &corev1.ResourceQuota{
		ObjectMeta: meta(t.Name, namespace, shareName(t.Name)),
		Spec:       corev1.ResourceQuotaSpec{Hard: noShare(t.Spec.Quota)},
	}
	share.Annotations = map[string]string{epochAnnotation: epoch}
	return share
}

func shareName(tenant string) string { return tenant + "-share" }

// share makes the shares of the tenant-wide quota and moves headroom between
// them. What the cache shows decides whether there is anything to do; what is
// done is decided on what the API server has.
func (r *run) share(ctx context.Context) {
	if len(r.tenant.Spec.Quota) == 0 {
		return
	}
	complete := true
	for _, ns := range r.active() {
		complete = r.ensureShare(ctx, ns.Name) && complete
	}
	if !complete {
		return
	}
	cached := make(map[string]*corev1.ResourceQuota, len(r.own))
	for namespace := range r.own {
		if quota, ok := r.managed[keyOf(newShare(r.tenant, namespace, ""))].(*corev1.ResourceQuota); ok {
			cached[namespace] = quota
		}
	}
	if len(planShares(r.tenant.Spec.Quota, r.shareStates(cached), r.epochs.of(r.tenant.Name))) == 0 {
		return
	}
	for range shareRounds {
		if done, err := r.moveShares(ctx); err != nil {
			r.fail("divide the quota", err)
			return
		} else if done {
			return
		}
	}
}

// ensureShare makes the share of a namespace if there is none. It says whether
// there is one to work with.
func (r *run) ensureShare(ctx context.Context, namespace string) bool {
	share := newShare(r.tenant, namespace, r.epochs.of(r.tenant.Name))
	if live, ok := r.managed[keyOf(share)].(*corev1.ResourceQuota); ok {
		if !hasOtherScopes(share, live) {
			return true
		}
		// A scope would leave most of the namespace without bounds.
		if err := r.remove(ctx, live); err != nil {
			r.fail("remove "+r.describe(live), err)
			return false
		}
	} else if left, pending := r.recent.pending(share, ""); pending {
		r.lookAgain(left)
		return false
	}
	err := r.client.Create(ctx, share, client.FieldOwner(FieldManager))
	if apierrors.IsAlreadyExists(err) {
		// It has lost its labels, or was never usher's. Its hard stays: it may be in use.
		err = r.relabelShare(ctx, share)
	}
	if err != nil {
		r.fail("make "+r.describe(share), err)
		return false
	}
	r.recent.wrote(share)
	r.managed[keyOf(share)] = share
	if r.wasReady(namespace) {
		r.repaired(share, "was gone or had lost its labels")
	}
	return true
}

func (r *run) relabelShare(ctx context.Context, share *corev1.ResourceQuota) error {
	patch, err := json.Marshal(map[string]any{"metadata": map[string]any{"labels": share.Labels}})
	if err != nil {
		return err
	}
	return r.client.Patch(ctx, share, client.RawPatch(types.MergePatchType, patch), client.FieldOwner(FieldManager))
}

// moveShares reads all shares, plans and writes once. It says whether nothing is
// left to do for now.
func (r *run) moveShares(ctx context.Context) (done bool, err error) {
	var list corev1.ResourceQuotaList
	if err := r.live.List(ctx, &list, client.MatchingLabels(managedLabels(r.tenant.Name))); err != nil {
		return false, fmt.Errorf("read shares: %w", err)
	}
	live := map[string]*corev1.ResourceQuota{}
	for i := range list.Items {
		if quota := &list.Items[i]; quota.Name == shareName(r.tenant.Name) && r.own[quota.Namespace] != nil {
			live[quota.Namespace] = quota
		}
	}
	writes := planShares(r.tenant.Spec.Quota, r.shareStates(live), r.epochs.of(r.tenant.Name))
	for _, write := range writes {
		quota := live[write.over.namespace]
		if quota == nil || write.over.frozen && equal(write.over.hard, write.hard) && write.over.epoch == r.epochs.of(r.tenant.Name) {
			continue
		}
		if err := r.writeShare(ctx, quota, write.hard); err != nil {
			return false, err
		}
	}
	return len(writes) == 0, nil
}

// shareStates are the shares of all of the tenant's namespaces. One that has none
// yet may hold anything.
func (r *run) shareStates(quotas map[string]*corev1.ResourceQuota) []shareState {
	states := make([]shareState, 0, len(r.own))
	for _, namespace := range sortedKeys(r.own) {
		state := shareState{namespace: namespace, frozen: isTerminating(r.own[namespace])}
		if quota := quotas[namespace]; quota != nil {
			state.hard, state.enforced, state.used = quota.Spec.Hard, quota.Status.Hard, quota.Status.Used
			state.epoch = quota.Annotations[epochAnnotation]
		} else if state.frozen {
			// Its pods went before its quotas, and none can come.
			continue
		}
		states = append(states, state)
	}
	return states
}

// writeShare changes the hard of a share as it was read. Only hard and epoch are
// compared, by the API server itself: a version would not survive a single pod.
func (r *run) writeShare(ctx context.Context, quota *corev1.ResourceQuota, hard corev1.ResourceList) error {
	epoch := r.epochs.of(r.tenant.Name)
	patch := []map[string]any{}
	step := func(op, path string, value any) {
		patch = append(patch, map[string]any{"op": op, "path": path, "value": value})
	}
	const epochPath = "/metadata/annotations/usher.dev~1epoch"
	if former, ok := quota.Annotations[epochAnnotation]; ok && len(quota.Spec.Hard) > 0 {
		step("test", "/spec/hard", quota.Spec.Hard)
		step("test", epochPath, former)
	} else {
		step("test", "/metadata/resourceVersion", quota.ResourceVersion)
	}
	if quota.Annotations == nil {
		step("add", "/metadata/annotations", map[string]string{})
	}
	step("add", "/spec/hard", hard)
	step("add", epochPath, epoch)
	encoded, err := json.Marshal(patch)
	if err != nil {
		return err
	}
	quota = quota.DeepCopy()
	before := quota.Spec.Hard
	err = r.client.Patch(ctx, quota, client.RawPatch(types.JSONPatchType, encoded), client.FieldOwner(FieldManager))
	if err == nil {
		r.recent.wrote(quota)
		return nil
	}
	if !isAnswer(err) {
		// It may still arrive, whatever becomes of the shares until then.
		r.epochs.renew(r.tenant.Name)
	}
	if apierrors.IsInvalid(err) && !r.isStill(ctx, quota, before) {
		return apierrors.NewConflict(corev1.Resource("resourcequotas"), quota.Name, err)
	}
	return fmt.Errorf("write %s: %w", r.describe(quota), err)
}

// isStill says whether a share has the hard that it was read with, so that it is
// the new one that the API server does not like.
func (r *run) isStill(ctx context.Context, quota *corev1.ResourceQuota, hard corev1.ResourceList) bool {
	live := &corev1.ResourceQuota{}
	err := r.live.Get(ctx, client.ObjectKeyFromObject(quota), live)
	return err == nil && equal(live.Spec.Hard, hard) && live.Annotations[epochAnnotation] == quota.Annotations[epochAnnotation]
}

// isAnswer says whether the API server has refused a write, so that it will not
// be done.
func isAnswer(err error) bool {
	var status apierrors.APIStatus
	return errors.As(err, &status) && status.Status().Code >= 400 && status.Status().Code < 500 && !apierrors.IsTimeout(err)
}
