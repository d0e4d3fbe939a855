package ledgercheck

import (
	"slices"

	"k8s.io/apimachinery/pkg/types"
)

// AtRest checks that the ledger is exactly what lives, now that nothing changes.
func (c *Checker) AtRest() {
	for _, text := range c.Unsettled() {
		c.violate(Rest, "%s", text)
	}
}

// Unsettled says how the ledger differs from what lives, sorted; nothing: it does
// not. While pods come and go it always does.
func (c *Checker) Unsettled() []string {
	if c.ledger == nil {
		return []string{"there is no ledger"}
	}
	var out []string
	status := &c.ledger.Status
	if status.Counted == nil {
		out = append(out, "nothing is counted")
	}
	seen := map[types.UID]bool{}
	for i := range status.Holders {
		e := &status.Holders[i]
		seen[e.UID] = true
		h, alive := c.live[e.UID]
		switch {
		case !alive:
			out = append(out, e.Kind+" "+e.Namespace+"/"+e.Name+" is gone and still holds")
		case !h.is(e):
			out = append(out, h.String()+" is counted otherwise")
		}
	}
	for uid, h := range c.live {
		if !seen[uid] {
			out = append(out, h.String()+" is not counted")
		}
	}
	for i := range status.Reservations {
		e := &status.Reservations[i]
		out = append(out, "something is reserved for "+e.Kind+" "+e.Namespace+"/"+e.Name)
	}
	slices.Sort(out)
	return out
}
