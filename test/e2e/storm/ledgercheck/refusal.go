package ledgercheck

import "sort"

// Refusal is a request that was refused for want of room.
type Refusal struct {
	// From and To are revisions between which it was decided, both included.
	From, To int64
	// Ask is what was asked for.
	Ask Holding
}

// Refused checks that a refusal was true: that some version of the ledger between
// its revisions had no room. It looks at versions up to To, which must have been
// told already.
func (c *Checker) Refused(r Refusal) {
	ask := r.Ask.amounts()
	// The version that was there at From, and those that came until To.
	first := sort.Search(len(c.versions), func(i int) bool { return c.versions[i].revision > r.From })
	for i := max(first-1, 0); i < len(c.versions) && c.versions[i].revision <= r.To; i++ {
		v := &c.versions[i]
		if v.counted && !v.amounts.hasRoom(ask, &v.hard) {
			return
		}
	}
	c.violate(Unjust, "%s was refused between revisions %d and %d, and there was room all the time", &r.Ask, r.From, r.To)
}
