package ledgercheck

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
)

// cover checks that live objects have entries that count what they hold: as a
// holder of their UID, or by a reservation that no other live object lives on.
func (c *Checker) cover(uids ...types.UID) {
	var holders, reservations []v1alpha1.LedgerEntry
	if c.ledger != nil {
		holders, reservations = c.ledger.Status.Holders, c.ledger.Status.Reservations
	}
	byUID := make(map[types.UID]*v1alpha1.LedgerEntry, len(holders))
	for i := range holders {
		byUID[holders[i].UID] = &holders[i]
	}
	byToken := make(map[token]*v1alpha1.LedgerEntry, len(reservations))
	for i := range reservations {
		byToken[tokenOf(&reservations[i])] = &reservations[i]
	}
	for _, uid := range slices.Sorted(slices.Values(uids)) {
		h := c.live[uid]
		entry := cmp.Or(byUID[uid], byToken[h.token()])
		switch {
		case c.uncovered[uid]:
			continue
		case entry == nil:
			c.violate(Covered, "%s has no entry", &h)
		case !h.within(entry):
			c.violate(Covered, "%s has an entry of only %d, %v", &h, entry.MicroUnits, entry.Resources)
		case byUID[uid] == nil && c.lodger(&h, byUID) != nil:
			c.violate(Covered, "%s and %s live on one reservation", &h, c.lodger(&h, byUID))
		default:
			continue
		}
		// Once is enough.
		c.uncovered[uid] = true
	}
}

// lodger returns another live object that no holder counts and that has the same
// reservation; nil: none.
func (c *Checker) lodger(h *Holding, byUID map[types.UID]*v1alpha1.LedgerEntry) *Holding {
	for uid, other := range c.live {
		if uid != h.UID && other.token() == h.token() && byUID[uid] == nil {
			return &other
		}
	}
	return nil
}
