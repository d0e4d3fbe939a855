package quota

import "fmt"

// settlerSteps are the controller's steps. A round is: read the ledger, look up
// live what is not certain, one look at a time, write.
func (m *model) settlerSteps(s *modelState, add adder) {
	c := &s.settler
	for i, p := range s.requests {
		switch {
		case c.watched[i] == unseen && (p == living || p == dead):
			add(fmt.Sprintf("the watch brings pod %d", i), func(t *modelState) { t.settler.watched[i] = seen })
		case c.watched[i] == seen && p == dead:
			add(fmt.Sprintf("the watch brings the end of pod %d", i), func(t *modelState) { t.settler.watched[i] = seenGone })
		}
	}
	if c.write.used {
		add("the settler's write lands", func(t *modelState) { m.finishWrite(t) })
		return
	}
	if !s.ledger.exists {
		add("the settler makes the ledger", func(t *modelState) { m.create(t) })
		return
	}
	if !c.reading && !c.listing {
		add("the settler reads the ledger", func(t *modelState) { m.read(t) })
		return
	}
	if c.listing {
		add("the settler writes its first count", func(t *modelState) {
			next := t.settler.read
			next.counted, next.held, next.kept = true, t.settler.listed, 0
			t.settler.write = m.fly(t, next, t.settler.read)
			t.settler.listing = false
		})
		return
	}
	result := m.result(s)
	open := result.holders | result.strangers | result.lapsed
	for i := range modelRequests {
		if open.has(i) {
			add(fmt.Sprintf("the settler looks for %d", i), func(t *modelState) { m.look(t, i, result) })
		}
	}
	if open == 0 {
		add("the settler writes", func(t *modelState) { m.settleWrite(t, result) })
	}
}

// create makes the ledger; nothing can be reserved on it yet.
func (m *model) create(t *modelState) {
	c := &t.settler
	if c.idle == 0 || c.idleBirth != 0 {
		c.idle = 1
	}
	t.births++
	t.ledger = modelLedger{exists: true, birth: t.births, rv: m.bump(t.ledger.rv)}
	c.idleBirth = t.births
	c.reading, c.listing = false, false
}

// read begins a round, or a first count.
func (m *model) read(t *modelState) {
	c := &t.settler
	met := c.met
	c.read, c.gone, c.met, c.void = t.ledger, 0, 0, 0
	if m.mutant.remembersMet {
		c.met = met
	}
	if !t.ledger.counted {
		if c.idle == 0 || c.idleBirth != t.ledger.birth {
			c.idle, c.idleBirth = 1, t.ledger.birth
		}
		if c.idle < 2 && !m.mutant.noRest {
			return
		}
		c.listing, c.listed = true, t.in(living)
		if m.mutant.countsCached {
			c.listed = 0
			for i, w := range c.watched {
				if w == seen {
					c.listed = c.listed.with(i)
				}
			}
		}
		return
	}
	c.reading, c.idle, c.idleBirth = true, 0, 0
	c.lapsed = m.real.note(&c.since, t.ledger.kept)
	if m.mutant.earlyLapse {
		c.lapsed = t.ledger.kept
	}
}

// result is what settle makes of what the settler knows.
func (m *model) result(s *modelState) modelResult {
	c := &s.settler
	q := modelQuestion{held: c.read.held, kept: c.read.kept, lapsed: c.lapsed, void: c.void, gone: c.gone, met: c.met}
	for i, w := range c.watched {
		switch w {
		case seen:
			q.live = q.live.with(i)
		case unseen:
		case seenGone:
			q.gone, q.spent = q.gone.with(i), q.spent.with(i)
		}
	}
	// What a live look found is among the live, too.
	q.live |= c.met
	if m.mutant.noLook {
		q.void |= c.lapsed
	}
	if m.mutant.trustsAbsence {
		q.gone |= c.read.held.minus(q.live)
	}
	if m.mutant.trustsCache {
		q.met |= q.live
	}
	return m.real.settle(q)
}

// look finds out live.
func (m *model) look(t *modelState, i int, open modelResult) {
	c, alive := &t.settler, t.requests[i] == living
	switch {
	case alive:
		c.met = c.met.with(i)
	case open.lapsed.has(i):
		c.void = c.void.with(i)
		if open.holders.has(i) || open.strangers.has(i) {
			c.gone = c.gone.with(i)
		}
	default:
		c.gone = c.gone.with(i)
	}
}

func (m *model) settleWrite(t *modelState, result modelResult) {
	c := &t.settler
	c.reading, c.lapsed, c.gone, c.void = false, 0, 0, 0
	if !m.mutant.remembersMet {
		c.met = 0
	}
	if !result.changed {
		c.read = modelLedger{}
		return
	}
	next := c.read
	next.held, next.kept = result.held, result.kept
	if m.mutant.twoWrites && next.kept != c.read.kept {
		next.held = c.read.held & result.held
	}
	c.write = m.fly(t, next, c.read)
	c.read = modelLedger{}
}

func (m *model) finishWrite(t *modelState) {
	c := &t.settler
	m.land(t, c.write)
	c.write, c.read, c.listed = flight{}, modelLedger{}, 0
}
