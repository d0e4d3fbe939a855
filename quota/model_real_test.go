package quota

import (
	"fmt"
	"time"

	"k8s.io/apimachinery/pkg/types"

	"usher.dev/usher/api/v1alpha1"
)

// realFunctions answers the model's questions with the product's functions, each
// once.
type realFunctions struct {
	settled  map[modelQuestion]modelResult
	reserved map[[4]int][3]set
}

func newRealFunctions() *realFunctions {
	return &realFunctions{settled: map[modelQuestion]modelResult{}, reserved: map[[4]int][3]set{}}
}

// modelQuestion is a status and a sight.
type modelQuestion struct {
	held, kept                           set
	live, gone, spent, lapsed, void, met set
}

// modelResult is a settlement.
type modelResult struct {
	held, kept                 set
	changed                    bool
	holders, strangers, lapsed set // open
}

func modelEntry(i int, uid bool) v1alpha1.LedgerEntry {
	e := v1alpha1.LedgerEntry{Reservation: fmt.Sprint("r", i), Kind: v1alpha1.KindPod, Namespace: "a", Name: fmt.Sprint("p", i), MicroUnits: int64(One)}
	if uid {
		e.UID = types.UID(fmt.Sprint("u", i))
	}
	return e
}

func entriesOf(s set, uid bool) []v1alpha1.LedgerEntry {
	var out []v1alpha1.LedgerEntry
	for i := range modelRequests {
		if s.has(i) {
			out = append(out, modelEntry(i, uid))
		}
	}
	return out
}

func setOf(entries []v1alpha1.LedgerEntry) set {
	var out set
	for _, e := range entries {
		out = out.with(int(e.Name[1] - '0'))
	}
	return out
}

func modelStatus(held, kept set) *v1alpha1.QuotaLedgerStatus {
	return statusOf(entriesOf(held, true), entriesOf(kept, false))
}

func (r *realFunctions) settle(q modelQuestion) modelResult {
	if known, ok := r.settled[q]; ok {
		return known
	}
	see := &sight{live: entriesOf(q.live, true), gone: map[types.UID]bool{}, spent: map[token]bool{}, lapsed: map[token]bool{}, void: map[token]bool{}, met: map[types.UID]bool{}}
	for i := range modelRequests {
		e := modelEntry(i, true)
		see.gone[e.UID], see.met[e.UID] = q.gone.has(i), q.met.has(i)
		see.spent[tokenOf(&e)], see.lapsed[tokenOf(&e)], see.void[tokenOf(&e)] = q.spent.has(i), q.lapsed.has(i), q.void.has(i)
	}
	got := settle(modelStatus(q.held, q.kept), see)
	out := modelResult{
		held: setOf(got.status.Holders), kept: setOf(got.status.Reservations), changed: got.changed,
		holders: setOf(got.open.holders), strangers: setOf(got.open.strangers), lapsed: setOf(got.open.reservations),
	}
	if sum := int64(out.held.size()+out.kept.size()) * int64(One); got.status.Used+got.status.Reserved != sum {
		panic(fmt.Sprintf("totals of %+v are no sums", got.status))
	}
	r.settled[q] = out
	return out
}

// reserve decides a batch by the shipped rule.
func (r *realFunctions) reserve(held, kept, batch set, limit int) (now, accepted, refused set) {
	key := [4]int{int(held), int(kept), int(batch), limit}
	if known, ok := r.reserved[key]; ok {
		return known[0], known[1], known[2]
	}
	hard := int64(limit) * int64(One)
	b := openBook(&v1alpha1.QuotaLedger{Spec: v1alpha1.QuotaLedgerSpec{Hard: v1alpha1.QuotaHard{MicroUnits: &hard}}, Status: *modelStatus(held, kept)})
	for _, e := range entriesOf(batch, false) {
		document, err := b.consider(&Ask{Entry: e})
		if err == nil && fits(document) {
			b.add(&e)
			accepted |= setOf([]v1alpha1.LedgerEntry{e})
		} else {
			refused |= setOf([]v1alpha1.LedgerEntry{e})
		}
	}
	now = setOf(b.status().Reservations)
	r.reserved[key] = [3]set{now, accepted, refused}
	return now, accepted, refused
}

// fits is the shipped rule.
func fits(document map[string]any) bool {
	units := func(of string) int64 { n, _ := document[of].(map[string]any)["units"].(int64); return n }
	return units("used")+units("reserved")+units("request") <= units("hard")
}

// note lets the settler's memory of reservations grow older; a tick is a TTL.
func (r *realFunctions) note(since *[modelRequests]uint8, kept set) set {
	now := time.Unix(1_800_000_000, 0)
	known := ages{}
	for i, n := range since {
		e := modelEntry(i, false)
		if n > 0 {
			known[stayOf(&e)] = now.Add(-time.Duration(n-1) * DefaultTTL)
		}
	}
	lapsed, _ := known.note(entriesOf(kept, false), now, DefaultTTL)
	var out set
	for i := range since {
		e := modelEntry(i, false)
		if lapsed[tokenOf(&e)] {
			out = out.with(i)
		}
		if at, ok := known[stayOf(&e)]; ok {
			since[i] = uint8(now.Sub(at)/DefaultTTL) + 1
		} else {
			since[i] = 0
		}
	}
	return out
}
