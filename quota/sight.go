package quota

import (
	"cmp"
	"slices"

	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
)

// token is a reservation and whose it is.
type token struct{ kind, namespace, reservation string }

func tokenOf(e *v1alpha1.LedgerEntry) token { return token{e.Kind, e.Namespace, e.Reservation} }

// sight is what the settler knows of the pods and claims of one tenant. Apart
// from Live, everything in it stays true once it is: that an object is gone, or
// that nothing will ever come of a reservation. So it may be older than the
// ledger that it is held against.
type sight struct {
	// live are the pods and claims that hold GPUs, as a cache has them: some may
	// be gone, and newer ones may be missing.
	live []v1alpha1.LedgerEntry
	// gone are objects that exist no more, have ended, or have left the tenant.
	gone map[types.UID]bool
	// spent are reservations whose object came and is gone.
	spent map[token]bool
	// lapsed are reservations older than any request that could still use them.
	lapsed map[token]bool
	// void are lapsed reservations for which a live look, after they lapsed,
	// found no object.
	void map[token]bool
	// met are objects that a live look found alive after the ledger at hand was
	// read. It alone must be forgotten when another version of the ledger is read.
	met map[types.UID]bool
}

// looks are questions that only the API server can answer, sorted.
type looks struct {
	// holders are in the ledger and not among the live.
	holders []v1alpha1.LedgerEntry
	// strangers are among the live and the ledger does not know them.
	strangers []v1alpha1.LedgerEntry
	// reservations have lapsed.
	reservations []v1alpha1.LedgerEntry
}

func (l *looks) none() bool {
	return len(l.holders) == 0 && len(l.strangers) == 0 && len(l.reservations) == 0
}

// compareHolders is the order of holders in a ledger.
func compareHolders(a, b v1alpha1.LedgerEntry) int {
	return cmp.Or(cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Namespace, b.Namespace), cmp.Compare(a.Name, b.Name), cmp.Compare(a.UID, b.UID))
}

// present are the live that are not known to be gone, each once, sorted.
func (s *sight) present() []v1alpha1.LedgerEntry {
	out := make([]v1alpha1.LedgerEntry, 0, len(s.live))
	seen := make(map[types.UID]bool, len(s.live))
	for i := range s.live {
		if e := &s.live[i]; !s.gone[e.UID] && !seen[e.UID] {
			seen[e.UID] = true
			out = append(out, *e)
		}
	}
	slices.SortFunc(out, compareHolders)
	return out
}
