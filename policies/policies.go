// Package policies embeds the Rego policies that usher ships.
package policies

import "embed"

// FS holds one folder per policy, with its fixtures, and lib for what they share.
//
//go:embed */*.rego */testdata/*.txtar
var FS embed.FS
