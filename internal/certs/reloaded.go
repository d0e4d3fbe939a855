package certs

import (
	"bytes"
	"sync"
	"time"

	"github.com/go-logr/logr"
)

// content is what was read from files.
type content interface {
	// raw are the bytes that it was read from.
	raw() []byte
	// until is when it expires.
	until() time.Time
	// problem says why it cannot be used now; nil: it can.
	problem(now time.Time) *problem
}

// reloaded is the content of files that is read again all the time. What cannot be
// used does not take the place of what can.
type reloaded[T content] struct {
	// what names it in messages, label in metrics.
	what, label string
	read        func() (T, *problem)
	log         logr.Logger

	mu      sync.Mutex
	loaded  bool // there is a current one
	current T
	loads   int
	// files is what is wrong with the files.
	files *problem
	said  string
}

// look reads the files, and tells the log of what has changed.
func (r *reloaded[T]) look(now time.Time) {
	found, p := r.read()
	r.mu.Lock()
	defer r.mu.Unlock()
	readable := p == nil
	if readable {
		p = found.problem(now)
	}
	// Nothing better is there than what cannot be used by this machine's clock:
	// whoever asks may have another.
	if readable && (p == nil || !r.loaded || r.bad(now) != nil) {
		if !r.loaded || !bytes.Equal(r.current.raw(), found.raw()) {
			r.loads++
			r.log.Info(r.what+" read", "until", found.until())
		}
		r.current, r.loaded = found, true
	}
	r.files = p
	r.say(now)
}

// bad says why the current content cannot be used; nil: it can.
func (r *reloaded[T]) bad(now time.Time) *problem {
	if !r.loaded {
		return r.files
	}
	return r.current.problem(now)
}

// say tells the log of each state once.
func (r *reloaded[T]) say(now time.Time) {
	state, message := "", ""
	bad := r.bad(now)
	switch {
	case !r.loaded || bad != nil:
		state, message = "none", "not ready: there is no good "+r.what
	case r.files != nil:
		state, message = "old", r.what+" not read again: the last good one stays in use"
	}
	var err *problem
	if state != "" {
		if err = r.files; err == nil {
			err = bad
		}
		state += err.text
	}
	switch {
	case state == r.said:
	case err != nil:
		r.log.Error(err, message)
	default:
		r.log.Info(r.what+" is good again", "until", r.current.until())
	}
	r.said = state
}

// check says in what state the content is, and whether it can be used at all.
func (r *reloaded[T]) check(now time.Time) (detail string, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	bad := r.bad(now)
	switch {
	case !r.loaded && bad != nil:
		return "", &problem{bad.reason, bad.clocked(now)}
	case bad != nil && r.files != nil && r.files.reason != bad.reason:
		return "", &problem{bad.reason, bad.clocked(now) + "; and no other can be used: " + r.files.clocked(now)}
	case bad != nil:
		return "", &problem{bad.reason, bad.clocked(now)}
	case r.files != nil:
		return r.what + " until " + rfc3339(r.current.until()) + "; not read again: " + r.files.clocked(now), nil
	}
	return r.what + " until " + rfc3339(r.current.until()), nil
}

// get returns the current content, if there is any.
func (r *reloaded[T]) get() (T, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.current, r.loaded
}

// sample is what metrics say.
type sample struct {
	label    string
	until    time.Time // zero: nothing was ever read
	loads    int
	problems map[reason]bool
}

func (r *reloaded[T]) sample(now time.Time) sample {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := sample{label: r.label, loads: r.loads, problems: map[reason]bool{}}
	if r.loaded {
		s.until = r.current.until()
	}
	for _, p := range []*problem{r.files, r.bad(now)} {
		if p != nil {
			s.problems[p.reason] = true
		}
	}
	return s
}
