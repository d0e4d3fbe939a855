package quota

import (
	"strconv"

	"usher.dev/usher/api/v1alpha1"
)

// How much a ledger may hold. The CRD bounds the lists by the same numbers; a
// test compares them.
const (
	maxHolders      = 6000
	maxReservations = 2000
	// maxBytes is the most that all entries take as JSON. etcd refuses requests
	// of more than 1.5 MiB (its --max-request-bytes), and the rest of the object
	// is small.
	maxBytes = 5 << 18
)

// bytesOf is how many bytes an entry takes as JSON once it is a holder that is
// being deleted, which is the most that it will ever take.
func bytesOf(e *v1alpha1.LedgerEntry) int {
	const (
		fixed = len(`" / ` + ` reservation= uid= freeBy=2006-01-02T15:04:05Z",`)
		uid   = len("c5fad0c7-8c77-4a01-b1d0-1a5cb54e4cbf")
	)
	n := fixed + uid + len(e.Reservation) + len(e.Kind) + len(e.Namespace) + len(e.Name) + digits(e.MicroUnits)
	for name, count := range e.Resources {
		n += len(` =`) + len(name) + digits(count)
	}
	for _, field := range e.Further {
		// As JSON a byte takes up to six.
		n += len(` `) + 6*len(field)
	}
	return n
}

func digits(n int64) int {
	var buffer [20]byte
	return len(strconv.AppendInt(buffer[:0], n, 10))
}

// room says what there is too much of when a ledger has so many entries and so
// many bytes of them.
func room(holders, reservations, bytes int) error {
	switch {
	case reservations > maxReservations:
		return &FullError{What: "reservations of pods that have not been seen yet", Limit: maxReservations}
	// Every reservation may become a holder.
	case holders+reservations > maxHolders:
		return &FullError{What: "pods and claims with GPUs", Limit: maxHolders}
	case bytes > maxBytes:
		return &FullError{What: "bytes of pods and claims with GPUs", Limit: maxBytes}
	}
	return nil
}
