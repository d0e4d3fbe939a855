// Package manifests embeds what usher's own manifests say, for the parts of usher
// that compare a cluster with them.
package manifests

import "embed"

// FS holds the base, the CRDs, the scheduler and the agent as they stand here,
// before kustomize.
//
//go:embed base/*.yaml crd/*.yaml scheduler/*.yaml agent/*.yaml
var FS embed.FS
