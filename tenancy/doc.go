// Package tenancy makes what a Tenant says true: its namespaces, and what stands
// in each of them. What is wanted is computed by pure functions of the Tenant;
// the Reconciler compares it with the cluster and writes the difference.
package tenancy
