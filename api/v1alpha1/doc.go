// Package v1alpha1 holds the kinds of the API group usher.dev: what a tenant
// is, what a node says of its GPUs, and how usher is configured.
//
// +groupName=usher.dev
// +kubebuilder:object:generate=true
package v1alpha1
