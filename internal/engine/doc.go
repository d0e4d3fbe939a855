// Package engine compiles Rego policies and asks them for verdicts. It is the
// only package, with those below it, that knows OPA.
package engine
