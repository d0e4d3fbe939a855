package quota

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"usher.dev/usher/api/v1alpha1"
	"usher.dev/usher/internal/tracing"
)

const (
	// maxBatch is how many requests share one write at most.
	maxBatch = 64
	// decideFor is for how long requests are decided for one write. Each takes a
	// fraction of a millisecond, and the longer that takes together, the likelier
	// is it that another replica writes first: where the machine is busy, fewer
	// requests share a write. Whoever meets a conflict halves it, lest the replica
	// with the most to decide never win.
	decideFor = 16 * time.Millisecond
	// mostHalves is how often it is halved in a row.
	mostHalves = 4
	// leastPause and lastPause bound the random pause after a conflict, which grows
	// with what the attempt took and with each conflict in a row: after as long,
	// another replica is done.
	leastPause = 4 * time.Millisecond
	lastPause  = 128 * time.Millisecond
)

// scribe writes for the requests of one tenant. It lives while there are any.
type scribe struct {
	tenant   string
	reserver *Reserver
	waiting  []*waiter // guarded by the Reserver

	// known is the ledger as it was at readAt or later; nil: it must be read.
	known  *v1alpha1.QuotaLedger
	readAt time.Time
	// doubt is a proposal of which it is not known whether it was written.
	doubt *proposal
}

func (s *scribe) run() {
	for {
		batch := s.reserver.take(s, maxBatch, true)
		if len(batch) == 0 {
			return
		}
		s.serve(batch)
	}
}

// serve answers every request of a batch, and of those that join it meanwhile.
func (s *scribe) serve(batch []*waiter) {
	conflicts := 0
	for {
		began := time.Now()
		if s.round(batch, decideFor>>conflicts) {
			conflicts = 0
		} else {
			conflicts = min(conflicts+1, mostHalves)
			pause := max(leastPause, time.Since(began)) * time.Duration(conflicts)
			time.Sleep(rand.N(min(pause, lastPause)))
		}
		if batch = slices.DeleteFunc(batch, (*waiter).gone); len(batch) == 0 {
			return
		}
		batch = append(batch, s.reserver.take(s, maxBatch-len(batch), false)...)
	}
}

// round reads if it must, decides for a while, and writes once. It answers those
// that it can, and says whether nobody was in its way.
func (s *scribe) round(batch []*waiter, patience time.Duration) bool {
	ctx, cancel := untilLast(batch)
	defer cancel()
	if s.known != nil {
		if p := s.decide(batch, patience); p != nil {
			return s.write(ctx, p)
		}
	}
	return s.read(ctx, batch) && s.write(ctx, s.decide(batch, patience))
}

// read reads the ledger and settles what was in doubt. It says whether there is
// something to decide on.
func (s *scribe) read(ctx context.Context, batch []*waiter) bool {
	s.known, s.readAt = nil, time.Now()
	reading, span := tracing.StartShared(ctx, "ledger read", len(batch), func(i int) context.Context { return batch[i].ctx })
	ledger, err := s.reserver.store.get(reading, s.tenant)
	s.told(span, len(batch), err)
	if err != nil && !refused(err) {
		s.reserver.log.V(1).Info("cannot read a ledger, trying again", "tenant", s.tenant, "error", err.Error())
		return false
	}
	doubt := s.doubt
	s.doubt = nil
	if err == nil && (ledger == nil || ledger.Status.Counted == nil) {
		err = ErrNotCounted
	}
	if err != nil {
		for _, w := range batch {
			w.tell(answer{failed, err})
		}
		return false
	}
	s.known = ledger
	if doubt != nil && doubt.version == ledger.Status.Version {
		s.wrote(doubt)
	}
	return true
}

// decide decides requests on the running state, as many as it can in a while, but
// one at least. It returns nil when one must be refused and the state is older than
// the request.
func (s *scribe) decide(batch []*waiter, patience time.Duration) *proposal {
	for {
		p := &proposal{book: openBook(s.known), version: NewID(), refused: map[*waiter]answer{}}
		began := time.Now()
		for _, w := range batch {
			if len(p.accepted) > 0 && time.Since(began) > patience {
				break
			}
			if w.gone() {
				continue
			}
			a := p.judge(w)
			switch {
			case a.outcome == reserved || w.gone():
			case s.readAt.Before(w.arrived):
				return nil
			case len(p.accepted) == 0:
				w.tell(a)
			default:
				p.refused[w] = a
			}
		}
		// A request that has left meanwhile must not take what the next could have.
		if !slices.ContainsFunc(p.accepted, (*waiter).gone) {
			return p
		}
	}
}

// write writes a proposal, and says whether nobody was in its way.
func (s *scribe) write(ctx context.Context, p *proposal) bool {
	if len(p.accepted) == 0 {
		// The next will be refused, too, and that must be said of a newer state.
		s.known = nil
		return true
	}
	putAt := time.Now()
	writing, span := tracing.StartShared(ctx, "ledger write", len(p.accepted), func(i int) context.Context { return p.accepted[i].ctx })
	next, err := s.reserver.store.put(writing, s.known, p.book.status(), p.version)
	s.told(span, len(p.accepted), err)
	s.known = nil
	switch writes := s.reserver.metrics.writes; {
	case err == nil:
		s.known, s.readAt = next, putAt
		s.wrote(p)
	case errors.Is(err, errConflict):
		writes.WithLabelValues(inConflict).Inc()
		return false
	case errors.Is(err, errUnknown):
		writes.WithLabelValues(unknown).Inc()
		s.reserver.log.Info("no answer to the write of a ledger, looking whether it was made", "tenant", s.tenant, "error", err.Error())
		s.doubt = p
		return false
	default:
		writes.WithLabelValues(notWritten).Inc()
		for _, w := range p.accepted {
			w.tell(answer{failed, err})
		}
	}
	return true
}

// told ends the span of a call that requests have waited for.
func (s *scribe) told(span tracing.Span, requests int, err error) {
	span.Text("usher.tenant", s.tenant)
	span.Count("usher.requests", requests)
	if err != nil {
		span.Fail(resultOf(err))
	}
	span.End()
}

// wrote answers the requests of a proposal that was written.
func (s *scribe) wrote(p *proposal) {
	s.reserver.metrics.writes.WithLabelValues(wasWritten).Inc()
	s.reserver.metrics.batch.Observe(float64(len(p.accepted)))
	for _, w := range p.accepted {
		w.tell(answer{outcome: reserved})
	}
	for w, a := range p.refused {
		w.tell(a)
	}
}

// untilLast is a context that ends when the last request of a batch has to be
// answered.
func untilLast(batch []*waiter) (context.Context, context.CancelFunc) {
	var last time.Time
	for _, w := range batch {
		deadline, ok := w.ctx.Deadline()
		if !ok {
			return context.WithCancel(context.Background())
		}
		if deadline.After(last) {
			last = deadline
		}
	}
	return context.WithDeadline(context.Background(), last)
}
