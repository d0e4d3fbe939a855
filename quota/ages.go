package quota

import (
	"time"

	"usher.dev/usher/api/v1alpha1"
)

// ages remembers since when this process has known reservations, by its own
// monotonic clock. It has known them no longer than they are in the ledger.
type ages map[stay]time.Time

// stay is one reservation as one request wrote it. A repeated one, under another
// generated name or at another time, begins anew.
type stay struct {
	token
	name    string
	expires int64 // seconds since 1970
}

func stayOf(e *v1alpha1.LedgerEntry) stay {
	s := stay{token: tokenOf(e), name: e.Name}
	if e.Expires != nil {
		s.expires = e.Expires.Unix()
	}
	return s
}

// note begins the stay of the reservations that are new and forgets those that
// are no more. It returns those that have been there for ttl, and when the next
// of the others will have been; the zero time if there is none.
func (a ages) note(reservations []v1alpha1.LedgerEntry, now time.Time, ttl time.Duration) (lapsed map[token]bool, next time.Time) {
	lapsed = map[token]bool{}
	there := make(map[stay]bool, len(reservations))
	for i := range reservations {
		s := stayOf(&reservations[i])
		there[s] = true
		since, ok := a[s]
		if !ok {
			since = now
			a[s] = now
		}
		switch ends := since.Add(ttl); {
		case !ends.After(now):
			lapsed[s.token] = true
		case next.IsZero() || ends.Before(next):
			next = ends
		}
	}
	for s := range a {
		if !there[s] {
			delete(a, s)
		}
	}
	return lapsed, next
}
