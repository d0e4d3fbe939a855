package quota

// worldSteps are what happens to everybody: time, losses, restarts, restores.
func (m *model) worldSteps(s *modelState, add adder) {
	// At a tick the API server's time is up for every request, and what the
	// settler knows is a tick older.
	add("a tick passes", func(t *modelState) { m.tick(t) })
	if s.left.losses > 0 && s.ledger.exists {
		add("the ledger is lost", func(t *modelState) {
			t.left.losses--
			t.ledger = modelLedger{rv: m.bump(t.ledger.rv)}
		})
	}
	if s.left.elders > 0 && s.ledger.exists && s.ledger.counted {
		add("an earlier leader settles", func(t *modelState) { m.elder(t) })
	}
	if s.left.saves > 0 && s.ledger.exists {
		add("a snapshot of etcd is taken", func(t *modelState) {
			t.left.saves--
			t.saved, t.savedLedger, t.savedLiving = true, t.ledger, t.in(living)
		})
	}
	if s.left.restores > 0 && s.saved {
		add("etcd is restored", func(t *modelState) { m.restore(t) })
	}
	if s.left.restarts > 0 {
		for _, list := range []string{"fresh", "stale, without pods", "stale, with all pods that ever were"} {
			add("the settler restarts; its list is "+list, func(t *modelState) {
				t.left.restarts--
				m.abandon(t, t.settler.write)
				m.restart(t, list)
			})
		}
	}
}

func (m *model) tick(t *modelState) {
	for i, p := range t.requests {
		if p == asking || p == allowed {
			t.requests[i] = lost
		}
		if since := &t.settler.since[i]; *since > 0 {
			*since = min(*since+1, 2)
		}
	}
	if t.settler.idle > 0 {
		t.settler.idle = min(t.settler.idle+1, 2)
	}
}

// elder is a settler that should not be any more, but whose watches are ahead and
// whose write comes through.
func (m *model) elder(t *modelState) {
	t.left.elders--
	alive, ended := t.in(living), t.in(dead)
	result := m.real.settle(modelQuestion{held: t.ledger.held, kept: t.ledger.kept, live: alive, gone: ended, spent: ended})
	if result.changed {
		next := t.ledger
		next.held, next.kept = result.held, result.kept
		m.land(t, m.fly(t, next, t.ledger))
	}
}

// restart makes a settler that knows nothing.
func (m *model) restart(t *modelState, list string) {
	t.settler = modelSettler{}
	for i, p := range t.requests {
		ever := p == living || p == dead
		if list == "fresh" && p == living || list == "stale, with all pods that ever were" && ever {
			t.settler.watched[i] = seen
		}
	}
}

// restore puts back what etcd was. The API servers are stopped meanwhile, and with
// them end all requests and writes; the settler notices and starts anew; what
// webhooks remember stays.
func (m *model) restore(t *modelState) {
	t.left.restores--
	t.ledger = t.savedLedger
	for i, p := range t.requests {
		switch {
		case t.savedLiving.has(i):
			t.requests[i] = living
		case p == living:
			// As if it had never been.
			t.requests[i] = lost
		case p == asking, p == allowed:
			t.requests[i] = lost
		}
	}
	for i := range t.replicas {
		t.replicas[i].write, t.replicas[i].asked = flight{}, 0
	}
	t.orphans = [2]flight{}
	t.saved = false
	m.restart(t, "fresh")
}
