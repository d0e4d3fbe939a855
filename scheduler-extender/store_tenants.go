package extender

import (
	"maps"

	corev1 "k8s.io/api/core/v1"

	"usher.dev/usher/api/v1alpha1"
)

// SetNamespace takes in a namespace.
func (s *Store) SetNamespace(n *corev1.Namespace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := s.tenancy.Load()
	tenant := n.Labels[t.label]
	if t.namespaces[n.Name] == tenant {
		return
	}
	s.changeNamespaces(func(namespaces map[string]string) {
		if tenant == "" {
			delete(namespaces, n.Name)
		} else {
			namespaces[n.Name] = tenant
		}
	})
}

// DeleteNamespace forgets a namespace.
func (s *Store) DeleteNamespace(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.changeNamespaces(func(namespaces map[string]string) { delete(namespaces, name) })
}

// ReplaceNamespaces takes in all namespaces at once.
func (s *Store) ReplaceNamespaces(list []*corev1.Namespace) {
	s.mu.Lock()
	defer s.mu.Unlock()
	label := s.tenancy.Load().label
	s.changeNamespaces(func(namespaces map[string]string) {
		clear(namespaces)
		for _, n := range list {
			if tenant := n.Labels[label]; tenant != "" {
				namespaces[n.Name] = tenant
			}
		}
	})
	s.listed(listedNamespaces)
}

func (s *Store) changeNamespaces(change func(map[string]string)) {
	t := *s.tenancy.Load()
	t.namespaces = maps.Clone(t.namespaces)
	change(t.namespaces)
	s.tenancy.Store(&t)
}

// SetTenant takes in a tenant.
func (s *Store) SetTenant(tenant *v1alpha1.Tenant) {
	s.changeTenants(func(t *tenancy) { t.setPool(tenant) })
}

// DeleteTenant forgets a tenant.
func (s *Store) DeleteTenant(name string) {
	s.changeTenants(func(t *tenancy) { delete(t.pools, name) })
}

// ReplaceTenants takes in all tenants at once.
func (s *Store) ReplaceTenants(list []*v1alpha1.Tenant) {
	s.changeTenants(func(t *tenancy) {
		clear(t.pools)
		for _, tenant := range list {
			t.setPool(tenant)
		}
	})
	s.listed(listedTenants)
}

func (t *tenancy) setPool(tenant *v1alpha1.Tenant) {
	if p, ok := t.poolOf(tenant); ok {
		t.pools[tenant.Name] = p
	} else {
		delete(t.pools, tenant.Name)
	}
}

// changeTenants changes the pools, and what nodes know of their owners.
func (s *Store) changeTenants(change func(*tenancy)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := *s.tenancy.Load()
	t.pools = maps.Clone(t.pools)
	change(&t)
	s.tenancy.Store(&t)
	for _, n := range s.all {
		if n.object != nil {
			s.rebuild(n)
		}
	}
}
