package quota

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// explore visits every state that can be reached and returns how many there are;
// on the first one in which a promise is broken, also how it came to be.
func (m *model) explore(most int) (states int, broken string) {
	m.real = newRealFunctions()
	type origin struct {
		from int32
		name string
	}
	index := map[modelState]int32{m.start: 0}
	all, origins := []modelState{m.start}, []origin{{from: -1}}
	trace := func(at int32, last string) string {
		var lines []string
		for i := at; i > 0; i = origins[i].from {
			lines = append([]string{origins[i].name + "\t" + all[i].ledger.String()}, lines...)
		}
		return strings.Join(append(lines, last), "\n")
	}
	for at := 0; at < len(all); at++ {
		if at > most {
			return at, "there are too many states"
		}
		if why := m.broken(&all[at]); why != "" {
			return at, trace(int32(at), why)
		}
		for _, step := range m.next(&all[at]) {
			if _, ok := index[step.then]; !ok {
				index[step.then] = int32(len(all))
				all, origins = append(all, step.then), append(origins, origin{int32(at), step.name})
			}
		}
	}
	return len(all), m.stuck(all, trace)
}

// broken says which promise a state breaks; empty: none.
func (m *model) broken(s *modelState) string {
	if alive := s.in(living); alive.size() > m.limit {
		return fmt.Sprintf("pods %v live, %d may", alive, m.limit)
	}
	l := &s.ledger
	if !l.exists || !l.counted {
		return ""
	}
	if sum := l.held.size() + l.kept.size(); sum > m.limit {
		return fmt.Sprintf("the ledger counts %d of %d", sum, m.limit)
	}
	if missing := (s.in(living) | s.in(allowed)).minus(l.held | l.kept); missing != 0 {
		return fmt.Sprintf("the ledger does not know of %v, which were admitted", missing)
	}
	return ""
}

// stuck finds a state from which the ledger does not come to say what lives, when
// everybody does what is left to do and nothing fails any more.
func (m *model) stuck(all []modelState, trace func(int32, string) string) string {
	fine := map[modelState]bool{}
	for at := range all {
		end := m.calm(all[at])
		if good, ok := fine[end]; ok && good {
			continue
		}
		after := m.rest(end)
		alive, l := after.in(living), after.ledger
		if !l.exists || !l.counted || l.held != alive || l.kept != 0 {
			return trace(int32(at), fmt.Sprintf("at rest pods %v live, and the ledger is %v", alive, l))
		}
		fine[end] = true
	}
	return ""
}

// calm lets everything that is under way end.
func (m *model) calm(s modelState) modelState {
	for i := range s.orphans {
		if s.orphans[i].used {
			m.land(&s, s.orphans[i])
			s.orphans[i] = flight{}
		}
	}
	for i := range s.replicas {
		if s.replicas[i].write.used {
			m.answerWrite(&s, i)
		}
		s.replicas[i] = modelReplica{}
	}
	if s.settler.write.used {
		m.finishWrite(&s)
	}
	for i, p := range s.requests {
		if p == asking || p == allowed || p == unsent {
			s.requests[i] = lost
		}
	}
	s.left, s.saved, s.savedLedger, s.savedLiving = budget{}, false, modelLedger{}, 0
	s.canonical()
	return s
}

// rest lets the settler work until nothing changes.
func (m *model) rest(s modelState) modelState {
	for range 4 {
		for i, p := range s.requests {
			if p == living {
				s.settler.watched[i] = seen
			}
			if p == dead && s.settler.watched[i] == seen {
				s.settler.watched[i] = seenGone
			}
		}
		for range 3 * modelRequests {
			steps := []step{}
			m.settlerSteps(&s, func(name string, change func(*modelState)) {
				then := s
				change(&then)
				then.canonical()
				steps = append(steps, step{name, then})
			})
			if len(steps) == 0 {
				break
			}
			s = steps[0].then
		}
		m.tick(&s)
	}
	return s
}

// scenario is what may happen, and how much of it.
type scenario struct {
	name  string
	limit int
	may   budget
}

var scenarios = []scenario{
	{"admission", 1, budget{sent: 3}},
	{"admission with room for two", 2, budget{sent: 3}},
	{"lost answers", 1, budget{sent: 2, lost: 2}},
	{"a settler that restarts", 1, budget{sent: 2, restarts: 1}},
	{"repeated validation", 1, budget{sent: 2, repeats: 2}},
	{"a ledger that is lost", 1, budget{sent: 2, losses: 1}},
	{"a ledger that is lost while an answer is", 1, budget{sent: 2, lost: 1, losses: 1}},
	{"two settlers at once", 1, budget{sent: 2, elders: 2}},
	{"an etcd that is restored", 1, budget{sent: 2, saves: 1, restores: 1}},
}

// larger are the scenarios of `make model`; they take minutes.
var larger = []scenario{
	{"everything but loss and restore", 1, budget{sent: 2, lost: 1, restarts: 1, repeats: 1, elders: 1}},
	{"a settler that restarts among three requests", 1, budget{sent: 3, restarts: 1}},
	{"a settler that restarts twice", 1, budget{sent: 2, restarts: 2}},
	{"lost answers with room for two", 2, budget{sent: 3, lost: 1}},
	{"a ledger that is lost while the settler restarts", 1, budget{sent: 2, losses: 1, restarts: 1}},
	{"a ledger that is lost twice", 1, budget{sent: 2, losses: 2}},
	{"an etcd that is restored among three requests", 1, budget{sent: 3, saves: 1, restores: 1}},
}

func (sc *scenario) model(mutant mutant) *model {
	start := modelState{left: sc.may}
	start.ledger = modelLedger{exists: true, counted: true, birth: 1, version: 1}
	start.canonical()
	return &model{start: start, limit: sc.limit, mutant: mutant}
}

// mostStates bounds what is kept in memory: a state takes some 600 bytes.
const mostStates = 8_000_000

func TestTheProtocol(t *testing.T) {
	if testing.Short() {
		t.Skip("a model has one goroutine; the race detector would only slow it down")
	}
	exploreAll(t, scenarios)
}

func TestTheProtocolAtLength(t *testing.T) {
	if os.Getenv("USHER_MODEL") != "large" {
		t.Skip("takes minutes: make model sets USHER_MODEL=large")
	}
	exploreAll(t, larger)
}

func exploreAll(t *testing.T, scenarios []scenario) {
	for _, sc := range scenarios {
		t.Run(sc.name, func(t *testing.T) {
			states, broken := sc.model(mutant{}).explore(mostStates)
			t.Logf("%d states", states)
			if broken != "" {
				t.Errorf("%s", broken)
			}
		})
	}
}

// TestTheModelFindsMistakes makes the protocol wrong in one way at a time.
func TestTheModelFindsMistakes(t *testing.T) {
	for _, test := range []struct {
		mistake string
		mutant  mutant
		limit   int
		may     budget
	}{
		{"writes without compare-and-swap", mutant{noSwap: true}, 1, budget{sent: 2}},
		{"a resource version alone says what was written over", mutant{rvAlone: true}, 2, budget{sent: 3, saves: 1, restores: 1}},
		{"a lapsed reservation is dropped without a live look", mutant{noLook: true}, 1, budget{sent: 2}},
		{"a reservation lapses before the API server's time is up", mutant{earlyLapse: true}, 1, budget{sent: 2}},
		{"a reservation is dropped in one write and its pod counted in the next", mutant{twoWrites: true}, 1, budget{sent: 2}},
		{"a holder that a cache lacks is freed without a live look", mutant{trustsAbsence: true}, 1, budget{sent: 2, restarts: 1}},
		{"a pod that the ledger does not know is counted on a cache's word", mutant{trustsCache: true}, 1, budget{sent: 2, restarts: 1}},
		{"what was met is remembered over versions of the ledger", mutant{remembersMet: true}, 1, budget{sent: 2, elders: 2}},
		{"a lost ledger is counted again at once", mutant{noRest: true}, 1, budget{sent: 2, losses: 1}},
		{"a lost ledger is counted from a cache", mutant{countsCached: true}, 1, budget{sent: 2, losses: 1, restarts: 1}},
	} {
		t.Run(test.mistake, func(t *testing.T) {
			sc := scenario{limit: test.limit, may: test.may}
			states, broken := sc.model(test.mutant).explore(4_000_000)
			if broken == "" {
				t.Fatalf("not found in %d states", states)
			}
			t.Logf("after %d states:\n%s", states, broken)
		})
	}
}
