package quota

import (
	"context"
	"fmt"
	"slices"

	corev1 "k8s.io/api/core/v1"
	resourcev1 "k8s.io/api/resource/v1"
	"k8s.io/apimachinery/pkg/types"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
)

// fewLooks is how many objects of a namespace are read one by one; more are
// listed at once.
const fewLooks = 16

// look answers open questions live.
func (r *round) look(ctx context.Context, open *looks, see *sight) error {
	found := &findings{round: r, see: see, listed: map[string]bool{}, entries: map[types.UID]v1alpha1.LedgerEntry{}}
	objects := slices.Concat(open.holders, open.strangers)
	count := map[string]int{}
	for i := range objects {
		count[objects[i].Namespace]++
	}
	for i := range objects {
		if err := found.object(ctx, &objects[i], count[objects[i].Namespace] > fewLooks); err != nil {
			return err
		}
	}
	for i := range open.reservations {
		if err := found.reservation(ctx, &open.reservations[i]); err != nil {
			return err
		}
	}
	// What was read live is newer than what a cache has of the same object.
	see.live = append(found.fresh, see.live...)
	return nil
}

// findings are what live looks find.
type findings struct {
	round  *round
	see    *sight
	fresh  []v1alpha1.LedgerEntry
	listed map[string]bool // namespaces
	// entries are what was listed.
	entries map[types.UID]v1alpha1.LedgerEntry
}

// object finds out whether a pod or claim is there, holds something, and is the
// tenant's.
func (f *findings) object(ctx context.Context, e *v1alpha1.LedgerEntry, list bool) error {
	ours, err := f.round.ours(ctx, e.Namespace)
	if err != nil {
		return err
	}
	there := false
	var now v1alpha1.LedgerEntry
	switch {
	case !ours:
	case list:
		if err := f.list(ctx, e.Namespace); err != nil {
			return err
		}
		now, there = f.entries[e.UID]
	default:
		if now, there, err = f.round.get(ctx, e); err != nil {
			return err
		}
	}
	if !there {
		f.see.gone[e.UID] = true
		return nil
	}
	f.fresh = append(f.fresh, now)
	f.see.met[e.UID] = true
	return nil
}

// reservation finds out whether an object bears a reservation.
func (f *findings) reservation(ctx context.Context, e *v1alpha1.LedgerEntry) error {
	ours, err := f.round.ours(ctx, e.Namespace)
	if err != nil {
		return err
	}
	f.see.void[tokenOf(e)] = true
	if !ours {
		return nil
	}
	entries, err := f.round.entries(ctx, f.round.settler.paged, e.Namespace, client.MatchingLabels{v1alpha1.ReservationLabel: e.Reservation})
	if err != nil {
		return err
	}
	for i := range entries {
		if sameReservation(&entries[i], e) {
			delete(f.see.void, tokenOf(e))
			f.fresh = append(f.fresh, entries[i])
		}
	}
	return nil
}

func (f *findings) list(ctx context.Context, namespace string) error {
	if f.listed[namespace] {
		return nil
	}
	entries, err := f.round.entries(ctx, f.round.settler.paged, namespace)
	if err != nil {
		return err
	}
	for i := range entries {
		f.entries[entries[i].UID] = entries[i]
	}
	f.listed[namespace] = true
	return nil
}

// get reads one object; false: it is not there, has ended, is another one of that
// name, or holds nothing.
func (r *round) get(ctx context.Context, e *v1alpha1.LedgerEntry) (v1alpha1.LedgerEntry, bool, error) {
	key := types.NamespacedName{Namespace: e.Namespace, Name: e.Name}
	var now v1alpha1.LedgerEntry
	var holds bool
	var err error
	if e.Kind == v1alpha1.KindPod {
		pod := &corev1.Pod{}
		err = r.settler.live.Get(ctx, key, pod)
		now, holds = r.podEntry(ctx, pod)
	} else {
		claim := &resourcev1.ResourceClaim{}
		err = r.settler.live.Get(ctx, key, claim)
		now, holds = claimEntry(claim, r.counter, r.holders)
	}
	if client.IgnoreNotFound(err) != nil {
		return now, false, fmt.Errorf("look whether %s %s is there: %w", e.Kind, key, err)
	}
	return now, err == nil && holds && now.UID == e.UID, nil
}

// ours says whether a namespace is the tenant's now.
func (r *round) ours(ctx context.Context, name string) (bool, error) {
	if ours, ok := r.namespaces[name]; ok {
		return ours, nil
	}
	ns := &corev1.Namespace{}
	err := r.settler.live.Get(ctx, types.NamespacedName{Name: name}, ns)
	if client.IgnoreNotFound(err) != nil {
		return false, fmt.Errorf("look whose Namespace %s is: %w", name, err)
	}
	r.namespaces[name] = err == nil && ns.Labels[r.settler.options.TenantLabel] == r.tenant.Name
	return r.namespaces[name], nil
}
