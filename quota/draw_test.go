package quota

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/types"
	"pgregory.net/rapid"

	"usher.dev/usher/api/v1alpha1"
)

// asLists compares settlements, an empty list being like none.
func asLists() []cmp.Option {
	return []cmp.Option{cmp.AllowUnexported(settlement{}, looks{}), cmpopts.EquateEmpty()}
}

func someTime() *metav1.Time {
	at := metav1.Unix(1_800_000_000, 0)
	return &at
}

// Few names, so that they meet.
var (
	drawID    = rapid.SampledFrom([]string{"", "r1", "r2", "r3", "r4"})
	drawKind  = rapid.SampledFrom([]string{v1alpha1.KindPod, v1alpha1.KindClaim})
	drawSpace = rapid.SampledFrom([]string{"a", "b"})
	drawUnits = rapid.Int64Range(0, 8_000_000)
	drawUID   = rapid.SampledFrom([]types.UID{"u1", "u2", "u3", "u4", "u5"})
)

func drawEntry(t *rapid.T) v1alpha1.LedgerEntry {
	return v1alpha1.LedgerEntry{
		Reservation: drawID.Draw(t, "reservation"), Kind: drawKind.Draw(t, "kind"), Namespace: drawSpace.Draw(t, "namespace"),
		Name: drawID.Draw(t, "name"), MicroUnits: drawUnits.Draw(t, "units"),
		Resources: map[string]int64{"nvidia.com/gpu": rapid.Int64Range(0, 8).Draw(t, "devices")},
	}
}

func drawHolders(t *rapid.T) []v1alpha1.LedgerEntry {
	var out []v1alpha1.LedgerEntry
	for _, uid := range rapid.SliceOfDistinct(drawUID, rapid.ID).Draw(t, "uids") {
		e := drawEntry(t)
		e.UID = uid
		if rapid.Bool().Draw(t, "deleted") {
			e.FreeBy = someTime()
		}
		out = append(out, e)
	}
	slices.SortFunc(out, compareHolders)
	return out
}

func drawStatus(t *rapid.T) *v1alpha1.QuotaLedgerStatus {
	var reservations []v1alpha1.LedgerEntry
	for _, id := range rapid.SliceOfDistinct(drawID, rapid.ID).Draw(t, "ids") {
		if id == "" {
			continue
		}
		e := drawEntry(t)
		e.Reservation = id
		at := metav1.NewTime(someTime().Add(time.Duration(rapid.IntRange(0, 100).Draw(t, "expires")) * time.Second))
		e.Expires = &at
		reservations = append(reservations, e)
	}
	status := statusOf(drawHolders(t), reservations)
	status.Counted = someTime()
	return status
}

func drawSight(t *rapid.T) *sight {
	see := &sight{live: drawHolders(t), gone: map[types.UID]bool{}, met: map[types.UID]bool{}, spent: map[token]bool{}, lapsed: map[token]bool{}, void: map[token]bool{}}
	uids := func(label string) []types.UID { return rapid.SliceOf(drawUID).Draw(t, label) }
	for _, uid := range uids("gone") {
		see.gone[uid] = true
	}
	for _, uid := range uids("met") {
		see.met[uid] = true
	}
	for _, set := range []map[token]bool{see.spent, see.lapsed, see.void} {
		for i := range rapid.IntRange(0, 4).Draw(t, "tokens") {
			e := drawEntry(t)
			e.Reservation = fmt.Sprint("r", i+1)
			set[tokenOf(&e)] = true
		}
	}
	return see
}
