// Package tenancy runs usher's tenancy controller on a real API server with a
// real kube-controller-manager, as the service account that the manifests make.
package tenancy
