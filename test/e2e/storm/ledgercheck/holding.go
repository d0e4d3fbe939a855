package ledgercheck

import (
	"fmt"
	"maps"

	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
)

// Holding is what a pod or claim that is alive holds, by what the API server says
// of it and by nothing that usher says.
type Holding struct {
	UID         types.UID
	Kind        string
	Namespace   string
	Name        string
	Reservation string
	MicroUnits  int64
	Resources   map[string]int64
}

func (h *Holding) String() string {
	return fmt.Sprintf("%s %s/%s (UID %s, reservation %q) with %d millionths of a GPU, %v",
		h.Kind, h.Namespace, h.Name, h.UID, h.Reservation, h.MicroUnits, h.Resources)
}

func (h *Holding) amounts() amounts {
	a := amounts{}
	a.add(h.Namespace, h.MicroUnits, h.Resources)
	return a
}

// within says whether an entry counts at least what the object holds.
func (h *Holding) within(e *v1alpha1.LedgerEntry) bool {
	for name, n := range h.Resources {
		if e.Resources[name] < n {
			return false
		}
	}
	return e.MicroUnits >= h.MicroUnits && e.Kind == h.Kind && e.Namespace == h.Namespace
}

// is says whether a holder's entry is exactly the object's.
func (h *Holding) is(e *v1alpha1.LedgerEntry) bool {
	return e.UID == h.UID && e.Kind == h.Kind && e.Namespace == h.Namespace && e.Name == h.Name &&
		e.Reservation == h.Reservation && e.MicroUnits == h.MicroUnits && maps.Equal(e.Resources, h.Resources)
}

// token is what a reservation is known by.
type token struct{ kind, namespace, id string }

func tokenOf(e *v1alpha1.LedgerEntry) token { return token{e.Kind, e.Namespace, e.Reservation} }

func (h *Holding) token() token { return token{h.Kind, h.Namespace, h.Reservation} }
