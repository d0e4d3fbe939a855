package main

import (
	"context"
	"errors"
	"sync"
)

// progress is how far the process has come. It is ready when its caches are in
// sync, whether it leads or not: a standby that is not ready could not take over.
type progress struct {
	mu      sync.Mutex
	why     error // why not ready
	isReady bool
	leads   bool
	ends    bool

	// certificates says in what state the certificates are that a leader keeps.
	// Nobody is refused for it: the state is told and does not make it unready.
	certificates func() string
}

// waiting notes what the process waits for.
func (p *progress) waiting(why error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.why = why
}

// synced notes that the caches are in sync.
func (p *progress) synced() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.isReady = true
}

func (p *progress) inSync() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.isReady
}

// ending notes that the process ends.
func (p *progress) ending() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.ends = true
}

// awaitLead notes when the replica leads.
func (p *progress) awaitLead(ctx context.Context, elected <-chan struct{}) {
	select {
	case <-ctx.Done():
	case <-elected:
		p.mu.Lock()
		defer p.mu.Unlock()
		p.leads = true
	}
}

// ready is the readiness probe.
func (p *progress) ready() (detail string, err error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	detail = "standby"
	if p.leads {
		detail = "leader"
		if p.certificates != nil {
			if state := p.certificates(); state != "" {
				detail += "\n" + state
			}
		}
	}
	switch {
	case p.ends:
		return detail, errors.New("ending")
	case p.isReady:
		return detail, nil
	case p.why != nil:
		return detail, p.why
	default:
		return detail, errors.New("starting")
	}
}
