package tenancy

import (
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
	corev1 "k8s.io/api/core/v1"
	"k8s.io/apimachinery/pkg/api/resource"
	"pgregory.net/rapid"
)

func list(amounts map[corev1.ResourceName]string) corev1.ResourceList {
	out := corev1.ResourceList{}
	for name, amount := range amounts {
		out[name] = resource.MustParse(amount)
	}
	return out
}

func TestSharesOfSeveralResources(t *testing.T) {
	type amounts = map[corev1.ResourceName]string
	total := list(amounts{"pods": "10", "requests.cpu": "1", "requests.memory": "3Gi"})
	counted := func(namespace string, hard, used amounts) shareState {
		return shareState{namespace: namespace, hard: list(hard), enforced: list(hard), used: list(used), epoch: "mine"}
	}
	none := amounts{"pods": "0", "requests.cpu": "0", "requests.memory": "0"}
	for name, c := range map[string]struct {
		shares []shareState
		want   map[string]amounts
	}{
		"each resource by itself": {
			[]shareState{counted("a", none, none), counted("b", none, none)},
			map[string]amounts{
				"a": {"pods": "5", "requests.cpu": "500m", "requests.memory": "1536Mi"},
				"b": {"pods": "5", "requests.cpu": "500m", "requests.memory": "1536Mi"},
			},
		},
		"a new resource begins at nothing, an old one goes": {
			[]shareState{counted("a", amounts{"pods": "10", "services": "3", "requests.cpu": "1"}, amounts{"pods": "1", "services": "1", "requests.cpu": "0"})},
			map[string]amounts{"a": {"pods": "10", "requests.cpu": "1", "requests.memory": "0"}},
		},
		"nothing to do": {
			[]shareState{counted("a", amounts{"pods": "10", "requests.cpu": "1000m", "requests.memory": "3072Mi"}, none)},
			nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got map[string]amounts
			for _, write := range planShares(total, c.shares, "mine") {
				if got == nil {
					got = map[string]amounts{}
				}
				got[write.over.namespace] = amounts{}
				for name, amount := range write.hard {
					got[write.over.namespace][name] = amount.String()
				}
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("writes (-want +got):\n%s", diff)
			}
		})
	}
}

func TestWhoIsNewPutsItsNameOnAllSharesBeforeAnyGrows(t *testing.T) {
	pods := func(n int64) corev1.ResourceList {
		return corev1.ResourceList{"pods": *resource.NewQuantity(n, resource.DecimalSI)}
	}
	shares := []shareState{
		{namespace: "a", hard: pods(5), enforced: pods(5), used: pods(5), epoch: "old"},
		{namespace: "b", hard: pods(15), enforced: pods(15), used: pods(0), epoch: "new"},
	}
	got := map[string]int64{}
	for _, write := range planShares(pods(20), shares, "new") {
		got[write.over.namespace] = write.hard.Pods().Value()
	}
	// Of 15 that are free, 7 are divided evenly, and the rest by use.
	if diff := cmp.Diff(map[string]int64{"a": 5, "b": 3}, got); diff != "" {
		t.Errorf("writes (-want +got):\n%s", diff)
	}
}

// world is a model of what shares live in: quotas in an API server, admission that
// goes by their status, a kube-controller-manager that takes note of a new hard
// when it likes, pods that come and go, and writers of which several may believe
// that they lead, whose writes may arrive late, twice or never.
type world struct {
	total  int64
	shares []shareState
	// onTheWay are writes that may still arrive.
	onTheWay []flight
	epochs   int
	// writers are the epochs of those who write, the leader last.
	writers []string
	// missed is how many pods kube-controller-manager has overlooked in all, so that
	// admission let in as many too many.
	missed int64
}

type flight struct {
	share int
	write shareWrite
	epoch string
}

func podsList(n int64) corev1.ResourceList {
	return corev1.ResourceList{"pods": *resource.NewQuantity(n, resource.DecimalSI)}
}

func (w *world) newEpoch() string {
	w.epochs++
	return fmt.Sprint(w.epochs)
}

func (w *world) check(r *rapid.T) {
	var limits, claims int64
	for _, s := range w.shares {
		limits, claims = limits+s.of("pods").limit(), claims+s.of("pods").claim()
	}
	if limits > w.total {
		r.Fatalf("limits of %d, of %d: %+v", limits, w.total, w.shares)
	}
	if claims > w.total+w.missed {
		r.Fatalf("claims of %d, of %d, and %d overlooked: %+v", claims, w.total, w.missed, w.shares)
	}
}

// TestSharesNeverSumUpToMoreThanTheTotal explores what may happen in any order.
func TestSharesNeverSumUpToMoreThanTheTotal(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		w := &world{total: rapid.Int64Range(0, 40).Draw(r, "total")}
		for i := range rapid.IntRange(1, 4).Draw(r, "namespaces") {
			w.shares = append(w.shares, shareState{namespace: fmt.Sprint(i), hard: podsList(0)})
		}
		w.writers = []string{w.newEpoch()}
		which := func(r *rapid.T) int { return rapid.IntRange(0, len(w.shares)-1).Draw(r, "share") }
		r.Repeat(map[string]func(*rapid.T){
			"": w.check,
			"create": func(r *rapid.T) {
				s := &w.shares[which(r)]
				for range rapid.IntRange(1, 20).Draw(r, "pods") {
					if used := s.used.Pods().Value(); s.of("pods").counted && used < s.enforced.Pods().Value() {
						s.used = podsList(used + 1)
					}
				}
			},
			"delete": func(r *rapid.T) {
				s := &w.shares[which(r)]
				if used := s.used.Pods().Value(); used > 0 {
					s.used = podsList(rapid.Int64Range(0, used-1).Draw(r, "left"))
				}
			},
			"overlook": func(r *rapid.T) {
				s := &w.shares[which(r)]
				if used := s.used.Pods().Value(); s.of("pods").counted && used == s.enforced.Pods().Value() {
					s.used = podsList(used + 1)
					w.missed++
				}
			},
			"take note": func(r *rapid.T) {
				s := &w.shares[which(r)]
				s.enforced, s.used = s.hard, podsList(s.used.Pods().Value())
			},
			"plan": func(r *rapid.T) {
				writer := rapid.IntRange(0, len(w.writers)-1).Draw(r, "writer")
				for _, write := range planShares(podsList(w.total), w.shares, w.writers[writer]) {
					for i := range w.shares {
						if w.shares[i].namespace == write.over.namespace {
							w.onTheWay = append(w.onTheWay, flight{i, write, w.writers[writer]})
						}
					}
				}
				// It waits for no answer, and so does not know what became of them.
				if rapid.Bool().Draw(r, "the answers are lost") || writer != len(w.writers)-1 {
					w.writers[writer] = w.newEpoch()
				} else {
					for len(w.onTheWay) > 0 && w.onTheWay[len(w.onTheWay)-1].epoch == w.writers[writer] {
						w.arrive(len(w.onTheWay) - 1)
					}
				}
			},
			"arrive": func(r *rapid.T) {
				if len(w.onTheWay) > 0 {
					w.arrive(rapid.IntRange(0, len(w.onTheWay)-1).Draw(r, "write"))
				}
			},
			"another leads": func(*rapid.T) {
				if len(w.writers) < 3 {
					w.writers = append(w.writers, w.newEpoch())
				}
			},
		})
	})
}

// arrive lets a write arrive: it is done over what it was planned on, or not at all.
func (w *world) arrive(i int) {
	f := w.onTheWay[i]
	w.onTheWay = append(w.onTheWay[:i:i], w.onTheWay[i+1:]...)
	s := &w.shares[f.share]
	if s.epoch == f.write.over.epoch && equal(s.hard, f.write.hard) || s.epoch == f.write.over.epoch && equal(s.hard, f.write.over.hard) {
		s.hard, s.epoch = f.write.hard, f.epoch
	}
}
