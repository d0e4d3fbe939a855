package extender

import (
	"maps"
	"reflect"

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

// SetTenant takes in a tenant. Its status changes often, and means nothing here but
// for whether it is accepted.
func (s *Store) SetTenant(tenant *v1alpha1.Tenant) {
	if s.tenancy.Load().has(tenant) {
		return
	}
	s.changeTenants(func(t *tenancy) { t.set(tenant) })
}

// DeleteTenant forgets a tenant.
func (s *Store) DeleteTenant(name string) {
	s.changeTenants(func(t *tenancy) {
		delete(t.pools, name)
		delete(t.grants, name)
	})
}

// ReplaceTenants takes in all tenants at once.
func (s *Store) ReplaceTenants(list []*v1alpha1.Tenant) {
	s.changeTenants(func(t *tenancy) {
		clear(t.pools)
		clear(t.grants)
		for _, tenant := range list {
			t.set(tenant)
		}
	})
	s.listed(listedTenants)
}

// has says whether the tenant is known as it is.
func (t *tenancy) has(tenant *v1alpha1.Tenant) bool {
	p, pooled := t.poolOf(tenant)
	known, wasPooled := t.pools[tenant.Name]
	return pooled == wasPooled && reflect.DeepEqual(p, known) && reflect.DeepEqual(grantOf(tenant), t.grants[tenant.Name])
}

func (t *tenancy) set(tenant *v1alpha1.Tenant) {
	if p, ok := t.poolOf(tenant); ok {
		t.pools[tenant.Name] = p
	} else {
		delete(t.pools, tenant.Name)
	}
	if g := grantOf(tenant); g != nil {
		t.grants[tenant.Name] = g
	} else {
		delete(t.grants, tenant.Name)
	}
}

// changeTenants changes pools and grants, and what nodes know of their owners.
func (s *Store) changeTenants(change func(*tenancy)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := *s.tenancy.Load()
	t.pools, t.grants = maps.Clone(t.pools), maps.Clone(t.grants)
	change(&t)
	s.tenancy.Store(&t)
	for _, n := range s.all {
		if n.object != nil {
			s.rebuild(n)
		}
	}
}
