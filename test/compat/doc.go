// Package compat holds this version of usher against what the version before it
// has left behind: testdata/compat, which `make compat` records. Two versions run
// side by side during every rollout, so whatever one writes the other must be able
// to read, in both directions; docs/upgrades.md says by which rules.
package compat
