package engine

import (
	"sync/atomic"

	"usher.dev/usher/internal/verdict"
)

// Engine holds the policy set in force and lets it be replaced while reviews
// run: a review uses the set that was in force when it began, whole.
type Engine struct {
	current atomic.Pointer[Set]
}

// New returns an engine with a first set.
func New(set *Set) *Engine {
	e := &Engine{}
	e.current.Store(set)
	return e
}

// Current returns the set in force.
func (e *Engine) Current() verdict.Policies { return e.current.Load() }

// Set returns the set in force, to describe it.
func (e *Engine) Set() *Set { return e.current.Load() }

// Use puts another set in force.
func (e *Engine) Use(set *Set) { e.current.Store(set) }
