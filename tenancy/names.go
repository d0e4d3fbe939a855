package tenancy

import (
	corev1 "k8s.io/api/core/v1"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
)

// FieldManager owns the fields that usher writes.
const FieldManager = "usher-controller"

// Finalizer keeps a Tenant until its owners' access is taken away and, where it
// says so, its namespaces are gone.
const Finalizer = "usher.dev/tenant"

// Labels of what usher manages.
const (
	// ManagedByLabel with the value ManagedBy marks every managed object.
	ManagedByLabel = "app.kubernetes.io/managed-by"
	ManagedBy      = "usher"
	// TenantLabel names the Tenant that an object is managed for. It says nothing
	// of whose a namespace is: the configured tenant label does.
	TenantLabel = "usher.dev/tenant"
	// MadeLabel, with the value true, marks a namespace that usher made, and may
	// delete again.
	MadeLabel = "usher.dev/made"
)

// Roles that the manifests ship and owners are bound to.
const (
	AdminRole     = "usher-tenant-admin"
	DeveloperRole = "usher-tenant-developer"
)

// managedLabels are the labels of what is managed for a tenant.
func managedLabels(tenant string) map[string]string {
	return map[string]string{ManagedByLabel: ManagedBy, TenantLabel: tenant}
}

// isManaged says whether labels are those of what is managed for a tenant.
func isManaged(labels map[string]string, tenant string) bool {
	return labels[ManagedByLabel] == ManagedBy && labels[TenantLabel] == tenant
}

// meta is the metadata of a managed object.
func meta(tenant, namespace, name string) metav1.ObjectMeta {
	return metav1.ObjectMeta{Name: name, Namespace: namespace, Labels: managedLabels(tenant)}
}

// isTerminating says whether a namespace takes no new objects any more.
func isTerminating(ns *corev1.Namespace) bool {
	return !ns.DeletionTimestamp.IsZero() || ns.Status.Phase == corev1.NamespaceTerminating
}
