package steady

import (
	"context"
	"fmt"
	"os"
	"runtime"
	"sync"
	"testing"
	"time"

	"usher.dev/usher/test/e2e/installation"
	"usher.dev/usher/test/e2e/steady/load"
)

// How much is asked for.
const (
	workers = 12
	rate    = 20 // requests a second
)

// show is the run: a load and the events under it.
type show struct {
	*cluster
	lasts    time.Duration
	load     *load.Load
	watch    certwatch
	version  string // digest of the policies in force
	versions int
	planted  load.Figures // when nothing was judged
	// since is from when on certificates have to have changed.
	since time.Time

	mu    sync.Mutex
	began time.Time
	log   []string
	rows  []row
}

// row is an event that is over.
type row struct {
	event   string
	at      time.Duration
	took    time.Duration
	checked string
}

// event is one that has to happen.
type event struct {
	name string
	run  func(context.Context) (string, error)
}

// events are those that have to happen, in their order.
func (s *show) events() []event {
	events := []event{
		{"rolling restart of all webhooks", s.roll},
		{"policy reload", s.reloadPolicies},
		{"leading controller ends in order", s.endLeader},
		{"restart of the API servers", s.restartAPIServers},
		{"leaf renewal", s.renewLeaf},
		{"CA rotation", s.rotateAuthority},
	}
	if s.lasts >= long {
		// Its lease takes as long to run out as all of that takes, and longer than
		// what is left of the short certificates.
		events = append(events, event{"leading controller killed", s.killLeader})
	}
	return events
}

// long is how long a run lasts at least that kills leaders.
const long = 2 * time.Minute

// between is how long nothing happens between events.
const between = time.Second

// calm is what the load is noted under between events.
const calm = "nothing else"

// TestNoRequestIsLost runs the events one after the other under a steady load, again
// and again for USHER_STEADY_FOR, and at least once.
func TestNoRequestIsLost(t *testing.T) {
	// The test's result depends on what the binaries are built from.
	t.Log("tree", os.Getenv("USHER_TREE"))
	lasts, certificates := terms(t)
	s := &show{cluster: start(t, certificates), lasts: lasts, since: time.Now()}
	var err error
	s.version, err = s.reloaded(t.Context(), "")
	must(t, err)
	s.load, err = load.Start(load.Options{As: s.As, Workers: workers, Rate: rate})
	must(t, err)
	s.began = time.Now()
	s.load.Begin(calm)
	s.load.ExpectWarning(words("first"), true)
	watching, stop := context.WithCancel(t.Context())
	var watched sync.WaitGroup
	watched.Go(func() { s.watch.follow(watching, s.Installation, func(told string) { s.say(t, told) }) })

	for round := 1; round == 1 || time.Since(s.began) < lasts; round++ {
		for _, e := range s.events() {
			must(t, pass(t.Context(), between))
			s.run(t, e.name, e.run)
		}
		// In the first round a change of certificates counts whenever it came.
		s.since = time.Now()
	}
	must(t, pass(t.Context(), between))
	s.load.Stop()
	stop()
	watched.Wait()
	must(t, load.Settled(t.Context(), s.Installation))
	s.planted = s.unregistered(t)
	s.judge(t, certificates)
}

// unregistered counts what the client finds when nothing is judged any more: it has
// to notice.
func (s *show) unregistered(t *testing.T) load.Figures {
	t.Helper()
	must(t, s.Unregister(t.Context()))
	l, err := load.Start(load.Options{As: s.As, Workers: workers, Rate: rate})
	must(t, err)
	err = until(t.Context(), "the client notices that nothing is judged", func() error {
		f := load.Sum(l.Results())
		if f.Unjudged < 5 || f.Wrong < 5 {
			return fmt.Errorf("of %d requests it found %d unjudged and %d wrong", f.Requests, f.Unjudged, f.Wrong)
		}
		return nil
	})
	l.Stop()
	must(t, err)
	return load.Sum(l.Results())
}

// terms are how long the events go on, and how long certificates live.
func terms(t *testing.T) (lasts time.Duration, certificates installation.Certificates) {
	t.Helper()
	if told := os.Getenv("USHER_STEADY_FOR"); told != "" {
		var err error
		lasts, err = time.ParseDuration(told)
		must(t, err)
	}
	if lasts < long {
		return lasts, installation.Certificates{Authority: 90 * time.Second, Leaf: 30 * time.Second, Overlap: 5 * time.Second, Lag: time.Second}
	}
	// A third of a certificate's life is longer than a lease takes to run out.
	return lasts, installation.Certificates{Authority: 270 * time.Second, Leaf: 90 * time.Second, Overlap: 10 * time.Second, Lag: 3 * time.Second}
}

// run runs one event.
func (s *show) run(t *testing.T, name string, event func(context.Context) (string, error)) {
	t.Helper()
	s.say(t, name+" begins")
	s.load.Begin(name)
	began := time.Now()
	checked, err := event(t.Context())
	if err != nil {
		t.Errorf("%s: %v", name, err)
		checked = err.Error()
	}
	s.load.Begin(calm)
	s.say(t, name+" is over: "+checked)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.rows = append(s.rows, row{name, began.Sub(s.began), time.Since(began), checked})
}

// say logs what happens.
func (s *show) say(t *testing.T, what string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	line := fmt.Sprintf("%6.1fs  %s", time.Since(s.began).Seconds(), what)
	s.log = append(s.log, line)
	t.Log(line)
}

// judge counts what became of the requests, and writes the page if one is wanted.
func (s *show) judge(t *testing.T, certificates installation.Certificates) {
	t.Helper()
	results := s.load.Results()
	s.audited(t).Check(results)
	faults := 0
	for _, r := range results {
		if r.Fault != "" {
			if faults++; faults <= 50 {
				t.Error(r.String())
			}
		}
	}
	all := load.Sum(results)
	t.Logf("%d requests: %d admitted, %d denied, all as is right but %d failed, %d wrong, %d unjudged; %d sent again, %d too late to be sent",
		all.Requests, all.Admitted, all.Denied, all.Failed, all.Wrong, all.Unjudged, all.Resent, s.load.Late())
	if all.Admitted < 100 || all.Denied < 50 {
		t.Error("so few prove little")
	}
	t.Logf("once nothing was judged any more, the client found %d of %d requests unjudged, and %d wrong", s.planted.Unjudged, s.planted.Requests, s.planted.Wrong)
	if path := os.Getenv("USHER_STEADY_PAGE"); path != "" {
		p := &page{show: s, results: results, certificates: certificates, machine: fmt.Sprintf("%d cores, %s", runtime.NumCPU(), runtime.Version())}
		must(t, os.WriteFile(path, []byte(p.String()), 0o600))
	}
}
