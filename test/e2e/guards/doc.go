// Package guards tries, on a real API server with Kubernetes' own controllers, to
// take away from a tenant's namespaces what usher made there: as everybody that a
// tenant may be, with every verb.
package guards
