package ledgercheck

import (
	"fmt"
	"maps"
	"slices"

	"k8s.io/apimachinery/pkg/api/equality"
	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
)

// most is how many violations are kept; one is enough to fail.
const most = 50

// Checker follows one tenant's ledger, pods and claims through etcd's revisions.
// It is not for several goroutines at once.
type Checker struct {
	revision int64
	ledger   *v1alpha1.QuotaLedger // nil: there is none
	live     map[types.UID]Holding
	versions []version
	// uncovered are objects that were said to be so already.
	uncovered  map[types.UID]bool
	violations []Violation
	figures    Figures
}

// version is what a ledger said from a revision on.
type version struct {
	revision int64
	amounts  amounts
	hard     v1alpha1.QuotaHard
	counted  bool
}

// Figures say how much was checked.
type Figures struct {
	// Versions of the ledger, and how many of them had another status than the
	// one before.
	Versions, Writes int
	// Objects that came to hold something, and the changes of live ones.
	Objects, Changes int
	// Peak is the most that was held and reserved, LivePeak the most that live
	// objects held, in millionths of a GPU.
	Peak, LivePeak int64
}

// New returns a checker for a tenant of which nothing is known.
func New() *Checker {
	return &Checker{live: map[types.UID]Holding{}, uncovered: map[types.UID]bool{}}
}

// Begin says what the ledger is when the checker begins: it is not known how it
// came about.
func (c *Checker) Begin(revision int64, ledger *v1alpha1.QuotaLedger) {
	c.ledger = ledger
	c.Ledger(revision, ledger)
}

// Ledger says what the ledger is from a revision on; nil: it is gone.
func (c *Checker) Ledger(revision int64, ledger *v1alpha1.QuotaLedger) {
	c.advance(revision)
	before := c.ledger
	c.ledger = ledger
	if ledger == nil {
		c.versions = append(c.versions, version{revision: revision})
		return
	}
	c.figures.Versions++
	c.chain(before)
	now := c.sums()
	var was amounts
	if n := len(c.versions); n > 0 {
		was = c.versions[n-1].amounts
	}
	for _, text := range now.overshoot(was, &ledger.Spec.Hard) {
		c.violate(Limit, "%s", text)
	}
	c.figures.Peak = max(c.figures.Peak, now[measure{}])
	c.versions = append(c.versions, version{revision, now, *ledger.Spec.Hard.DeepCopy(), ledger.Status.Counted != nil})
	if !c.lost() {
		c.cover(slices.Collect(maps.Keys(c.live))...)
	}
}

// Holds says that an object is alive and what it holds from a revision on.
func (c *Checker) Holds(revision int64, h Holding) {
	c.advance(revision)
	c.figures.Changes++
	if _, known := c.live[h.UID]; !known {
		c.figures.Objects++
	}
	c.live[h.UID] = h
	total := int64(0)
	for _, other := range c.live {
		total += other.MicroUnits
	}
	c.figures.LivePeak = max(c.figures.LivePeak, total)
	if !c.lost() {
		c.cover(h.UID)
	}
}

// lost says that there was a ledger, and that what took its place has not been
// counted: what was admitted by the lost one may still come. Once it is counted,
// all that lives must be in it.
func (c *Checker) lost() bool {
	if c.ledger == nil {
		return len(c.versions) > 0
	}
	return c.ledger.Status.Counted == nil
}

// Gone says that an object is gone, or has ended, from a revision on.
func (c *Checker) Gone(revision int64, uid types.UID) {
	c.advance(revision)
	delete(c.live, uid)
	delete(c.uncovered, uid)
}

// Live returns what is alive, by UID.
func (c *Checker) Live() map[types.UID]Holding { return maps.Clone(c.live) }

// Current returns the ledger as it is; nil: there is none.
func (c *Checker) Current() *v1alpha1.QuotaLedger { return c.ledger }

// Figures says how much was checked so far.
func (c *Checker) Figures() Figures { return c.figures }

// Violations are the promises that were broken so far, the first ones first.
func (c *Checker) Violations() []Violation { return slices.Clone(c.violations) }

func (c *Checker) advance(revision int64) {
	if revision < c.revision {
		c.violate(Order, "revision %d comes after it", revision)
	}
	c.revision = revision
}

func (c *Checker) violate(rule Rule, format string, args ...any) {
	if len(c.violations) < most {
		c.violations = append(c.violations, Violation{c.revision, rule, fmt.Sprintf(format, args...)})
	}
}

// chain checks that a status was written over the one that was there.
func (c *Checker) chain(before *v1alpha1.QuotaLedger) {
	status := &c.ledger.Status
	if before == nil || before.UID != c.ledger.UID {
		if status.Over != "" {
			c.violate(Chain, "the ledger begins with a status that is written over %q", status.Over)
		}
		before = &v1alpha1.QuotaLedger{}
	}
	was := &before.Status
	if equality.Semantic.DeepEqual(was, status) {
		return
	}
	c.figures.Writes++
	switch {
	case status.Version == was.Version:
		c.violate(Chain, "the status has changed and is still version %q", status.Version)
	case status.Over != was.Version:
		c.violate(Chain, "version %q is written over %q, there was %q", status.Version, status.Over, was.Version)
	}
}

// sums checks the ledger's own arithmetic and adds all of it up.
func (c *Checker) sums() amounts {
	status := &c.ledger.Status
	used, reserved := amounts{}, amounts{}
	used.addEntries(status.Holders)
	reserved.addEntries(status.Reservations)
	if status.Used != used[measure{}] {
		c.violate(Sums, "used is %d, holders have %d", status.Used, used[measure{}])
	}
	if status.Reserved != reserved[measure{}] {
		c.violate(Sums, "reserved is %d, reservations have %d", status.Reserved, reserved[measure{}])
	}
	c.unique()
	used.addEntries(status.Reservations)
	return used
}

func (c *Checker) unique() {
	uids, tokens := map[types.UID]bool{}, map[token]bool{}
	for i := range c.ledger.Status.Holders {
		e := &c.ledger.Status.Holders[i]
		if uids[e.UID] {
			c.violate(Unique, "%s %s/%s of UID %s holds twice", e.Kind, e.Namespace, e.Name, e.UID)
		}
		uids[e.UID] = true
		if e.Reservation != "" {
			tokens[tokenOf(e)] = true
		}
	}
	for i := range c.ledger.Status.Reservations {
		e := &c.ledger.Status.Reservations[i]
		if tokens[tokenOf(e)] {
			c.violate(Unique, "reservation %s of %s %s/%s is there twice", e.Reservation, e.Kind, e.Namespace, e.Name)
		}
		tokens[tokenOf(e)] = true
	}
}
