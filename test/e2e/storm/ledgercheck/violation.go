package ledgercheck

import "fmt"

// Rule is a promise that a ledger keeps.
type Rule string

// The promises.
const (
	// Chain: each status is written over the one before, which it names.
	Chain Rule = "chain"
	// Sums: used is the sum over holders, reserved that over reservations.
	Sums Rule = "sums"
	// Unique: no object and no reservation is in a ledger twice.
	Unique Rule = "unique"
	// Limit: nothing comes to be held or reserved above a limit.
	Limit Rule = "limit"
	// Covered: each live pod and claim has an entry of its own that is at least
	// what it holds. With Sums it follows that used and reserved together are at
	// least what lives.
	Covered Rule = "covered"
	// Unjust: nothing is refused that had room in every version of its time.
	Unjust Rule = "unjust"
	// Rest: when all is quiet, holders are what lives, to the micro-unit, and
	// nothing is reserved.
	Rest Rule = "rest"
	// Order: revisions grow.
	Order Rule = "order"
)

// Violation is a promise that was broken.
type Violation struct {
	// Revision is that of etcd at which it was.
	Revision int64
	Rule     Rule
	Text     string
}

func (v Violation) String() string {
	return fmt.Sprintf("at revision %d, %s: %s", v.Revision, v.Rule, v.Text)
}
