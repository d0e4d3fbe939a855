package tenancy

// Options says what a Reconciler is to know beside the Tenants. The zero value
// works.
type Options struct {
	// TenantLabel is the label of a namespace that names its tenant, as in usher's
	// configuration. Default: tenant.
	TenantLabel string

	// ExemptNamespaces are namespaces that usher never judges, and that therefore
	// can be no tenant's. Those of Kubernetes and of usher never can.
	ExemptNamespaces []string

	// Concurrency is how many Tenants are worked on at once. Default: 4.
	Concurrency int
}

func (o *Options) setDefaults() {
	if o.TenantLabel == "" {
		o.TenantLabel = "tenant"
	}
	if o.Concurrency == 0 {
		o.Concurrency = 4
	}
}
