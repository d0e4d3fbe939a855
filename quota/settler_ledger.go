package quota

import (
	"context"
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/api/equality"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"k8s.io/apimachinery/pkg/util/resourceversion"
	"sigs.k8s.io/controller-runtime/pkg/client"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/cluster"
)

// ledger returns a tenant's ledger, with its limits as the tenant has them; nil
// if it needs none.
func (s *Settler) ledger(ctx context.Context, tenant *v1alpha1.Tenant, m *memory) (*v1alpha1.QuotaLedger, error) {
	ledger, err := s.newest(ctx, tenant.Name, m)
	if err != nil {
		return nil, err
	}
	if ledger == nil {
		if m.idle.since.IsZero() || m.idle.uid != "" {
			m.idle.uid, m.idle.since = "", time.Now()
		}
		if tenant.Spec.GPU == nil {
			s.metrics.forget(tenant.Name)
			return nil, nil
		}
	}
	if ledger != nil && equality.Semantic.DeepEqual(ledger.Spec.Hard, hardOf(tenant.Spec.GPU)) && owned(ledger, tenant) {
		return ledger, nil
	}
	// A cache that is behind must not bring an earlier limit back.
	now := &v1alpha1.Tenant{}
	if err := s.live.Get(ctx, types.NamespacedName{Name: tenant.Name}, now); err != nil {
		return nil, fmt.Errorf("read Tenant: %w", err)
	}
	if ledger == nil {
		return s.create(ctx, now, m)
	}
	next := bare(ledger)
	next.Spec.Hard, next.OwnerReferences, next.Labels, next.Annotations = hardOf(now.Spec.GPU), owners(now), ledger.Labels, ledger.Annotations
	if equality.Semantic.DeepEqual(ledger.Spec.Hard, next.Spec.Hard) && owned(ledger, now) {
		return ledger, nil
	}
	if err := s.store.client.Update(ctx, next, s.store.owner); err != nil {
		return nil, fmt.Errorf("write the limits of QuotaLedger: %w", outcome(err))
	}
	m.written = next
	return next, nil
}

// newest returns the newest known state of a ledger, nil if there is none.
func (s *Settler) newest(ctx context.Context, name string, m *memory) (*v1alpha1.QuotaLedger, error) {
	ledger, err := s.recall(ctx, name, m)
	if ledger != nil {
		m.newest.uid, m.newest.version = ledger.UID, ledger.ResourceVersion
	}
	return ledger, err
}

// recall looks a ledger up in the cache and in memory, and live if that does not do.
func (s *Settler) recall(ctx context.Context, name string, m *memory) (*v1alpha1.QuotaLedger, error) {
	cached := &v1alpha1.QuotaLedger{}
	err := s.cache.Get(ctx, types.NamespacedName{Name: name}, cached)
	switch {
	case err == nil && !m.doubtful && m.written == nil && !m.older(cached):
		return cached, nil
	case err == nil && !m.doubtful && m.written != nil && m.written.UID == cached.UID:
		if order, err := resourceversion.CompareResourceVersion(cached.ResourceVersion, m.written.ResourceVersion); err == nil && order < 0 {
			return m.written, nil
		}
		m.written = nil
		return cached, nil
	case client.IgnoreNotFound(err) != nil:
		return nil, fmt.Errorf("read QuotaLedger: %w", err)
	}
	return s.reread(ctx, name, m)
}

// reread reads a ledger live. One that is older than what is known already says
// that etcd was restored, and that nothing that watches have brought can be
// trusted: nothing is written by it any more.
func (s *Settler) reread(ctx context.Context, name string, m *memory) (*v1alpha1.QuotaLedger, error) {
	ledger, err := s.store.get(ctx, name)
	if err != nil {
		return nil, err
	}
	if ledger != nil && m.older(ledger) {
		return nil, fmt.Errorf("read QuotaLedger %q: %w", name, cluster.ErrHistory)
	}
	m.written, m.doubtful = ledger, false
	return ledger, nil
}

// create makes the ledger of a tenant. It is not counted yet.
func (s *Settler) create(ctx context.Context, tenant *v1alpha1.Tenant, m *memory) (*v1alpha1.QuotaLedger, error) {
	ledger := &v1alpha1.QuotaLedger{
		ObjectMeta: metav1.ObjectMeta{Name: tenant.Name, OwnerReferences: owners(tenant)},
		Spec:       v1alpha1.QuotaLedgerSpec{Hard: hardOf(tenant.Spec.GPU)},
	}
	if err := s.store.client.Create(ctx, ledger, s.store.owner); err != nil {
		return nil, fmt.Errorf("create QuotaLedger: %w", err)
	}
	// It was read live that there was none, and only this process makes one.
	m.written, m.idle.uid = ledger, ledger.UID
	return ledger, nil
}

// retire deletes the ledger of a tenant that is gone, and in time what is known
// of it.
func (s *Settler) retire(ctx context.Context, name string, m *memory) error {
	err := s.live.Get(ctx, types.NamespacedName{Name: name}, &v1alpha1.Tenant{})
	if !apierrors.IsNotFound(err) {
		// It is back, and the watch will tell; or it cannot be read.
		return err
	}
	ledger, err := s.store.get(ctx, name)
	if err != nil {
		return err
	}
	if ledger != nil {
		if err := s.remove(ctx, ledger); err != nil {
			return err
		}
	}
	s.metrics.forget(name)
	m.written = nil
	s.mu.Lock()
	defer s.mu.Unlock()
	if time.Since(m.counted) >= s.options.TTL {
		delete(s.memories, name)
	}
	return nil
}

// remove deletes a ledger unless it has changed.
func (s *Settler) remove(ctx context.Context, ledger *v1alpha1.QuotaLedger) error {
	err := s.store.client.Delete(ctx, bare(ledger), client.Preconditions{UID: &ledger.UID, ResourceVersion: &ledger.ResourceVersion})
	if client.IgnoreNotFound(err) != nil {
		return fmt.Errorf("delete QuotaLedger: %w", outcome(err))
	}
	return nil
}

// owners make a ledger go with its tenant. The tenant does not wait for that,
// which would need leave to write its finalizers.
func owners(tenant *v1alpha1.Tenant) []metav1.OwnerReference {
	owner := metav1.NewControllerRef(tenant, v1alpha1.GroupVersion.WithKind("Tenant"))
	owner.BlockOwnerDeletion = nil
	return []metav1.OwnerReference{*owner}
}

func owned(ledger *v1alpha1.QuotaLedger, tenant *v1alpha1.Tenant) bool {
	return metav1.IsControlledBy(ledger, tenant)
}
