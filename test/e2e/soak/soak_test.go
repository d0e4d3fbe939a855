package soak

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"usher.dev/usher/test/e2e/installation"
	"usher.dev/usher/test/e2e/steady/load"
)

// How the cluster is built and asked.
const (
	webhooks    = 3
	controllers = 2
	workers     = 24
)

// terms are how long a soak and its parts take.
type terms struct {
	lasts    time.Duration
	capacity time.Duration // how long is measured how much the cluster can do
	every    time.Duration // between samples
	// filled is about how many objects webhooks are asked first, so that what they
	// remember is full.
	filled int
	// slack is by how much more than in a long soak anything may grow: a short one is
	// all beginning.
	slack float64
}

// long is how long a soak lasts at least that is held to the bounds as they stand.
const long = 10 * time.Minute

func termsOf(t *testing.T) terms {
	t.Helper()
	s := terms{lasts: 20 * time.Second, capacity: 5 * time.Second, every: time.Second, filled: 100, slack: 8}
	if told := os.Getenv("USHER_SOAK_FOR"); told != "" {
		var err error
		s.lasts, err = time.ParseDuration(told)
		must(t, err)
	}
	if s.lasts >= long {
		s.capacity, s.every, s.filled, s.slack = 30*time.Second, 5*time.Second, remembered, 1
	}
	return s
}

// TestMemoryAndGoroutinesStayFlat asks for half of what the cluster can do, for
// USHER_SOAK_FOR. Every answer is held against the right one.
func TestMemoryAndGoroutinesStayFlat(t *testing.T) {
	// The test's result depends on what the binaries are built from.
	t.Log("tree", os.Getenv("USHER_TREE"))
	s := &soak{terms: termsOf(t)}
	installed, err := installation.Start(t.Context(), installation.Options{
		Folder: t.TempDir(), Webhooks: webhooks, Controllers: controllers,
		// Of what is logged in a long soak, the end is enough.
		APIServer:    []string{"--audit-log-maxsize=100", "--audit-log-maxbackup=1"},
		Certificates: &installation.Certificates{Authority: 26280 * time.Hour, Leaf: 2160 * time.Hour, Overlap: time.Hour, Lag: time.Second},
	})
	must(t, err)
	t.Cleanup(installed.Release)
	must(t, load.Prepare(t.Context(), installed))

	began := time.Now()
	must(t, fill(t.Context(), installed, s.terms.filled))
	t.Logf("each webhook was asked about %d objects in %s", s.terms.filled, time.Since(began).Round(time.Second))
	s.capacity, err = capacity(t.Context(), installed, s.terms.capacity)
	must(t, err)
	t.Logf("%d workers get %.0f answers a second", workers, s.capacity)
	s.sampler = newSampler(installed)
	s.began = time.Now()
	l, err := load.Start(load.Options{As: installed.As, Workers: workers, Rate: s.capacity / 2})
	must(t, err)
	l.Begin("the soak")
	err = s.sample(t.Context())
	l.Stop()
	must(t, err)
	s.late, s.figures = l.Late(), load.Sum(l.Results())
	for _, r := range l.Results() {
		if r.Fault != "" {
			t.Error(r.String())
		}
	}
	must(t, load.Settled(t.Context(), installed))
	s.starts(t, installed)

	s.trends = s.sampler.trends()
	for i := range s.trends {
		trend := &s.trends[i]
		t.Logf("%s, %s: %.1f, then %.1f, at last %.1f %s; %+.2f an hour", trend.process, trend.kind.name, trend.first, trend.second, trend.last, trend.kind.unit, trend.slope)
		if err := trend.flat(s.terms.slack); err != nil {
			t.Error(err)
		}
	}
	image, err := s.sampler.graph()
	must(t, err)
	if folder := os.Getenv("USHER_SOAK_PAGE"); folder != "" {
		must(t, os.WriteFile(filepath.Join(folder, graphName), image, 0o600))
		must(t, os.WriteFile(filepath.Join(folder, "soak.md"), []byte(s.String()), 0o600))
	}
}

// soak is what was done and measured.
type soak struct {
	terms    terms
	began    time.Time
	capacity float64 // requests a second
	sampler  *sampler
	trends   []trend
	figures  load.Figures
	late     int
}

// capacity is how many requests a second are answered when each worker sends the next
// one as soon as the last is answered.
func capacity(ctx context.Context, installed *installation.Installation, lasts time.Duration) (float64, error) {
	l, err := load.Start(load.Options{As: installed.As, Workers: workers})
	if err != nil {
		return 0, err
	}
	defer l.Stop()
	// Connections are made and caches filled first.
	if err := pass(ctx, lasts/4); err != nil {
		return 0, err
	}
	before, began := l.Count(), time.Now()
	if err := pass(ctx, lasts); err != nil {
		return 0, err
	}
	answered := l.Count() - before
	if answered == 0 {
		return 0, errors.New("measure capacity: nothing was answered")
	}
	return float64(answered) / time.Since(began).Seconds(), nil
}

// sample takes samples until the soak is over.
func (s *soak) sample(ctx context.Context) error {
	for time.Since(s.began) < s.terms.lasts {
		if err := pass(ctx, s.terms.every); err != nil {
			return err
		}
		if err := s.sampler.take(ctx, time.Since(s.began)); err != nil {
			return err
		}
	}
	return nil
}

// starts fails the test if a process did not live through all of it.
func (s *soak) starts(t *testing.T, installed *installation.Installation) {
	t.Helper()
	for _, units := range [][]*installation.Unit{installed.Webhooks, installed.Controllers} {
		for n, unit := range units {
			if unit.Starts() != 1 {
				t.Errorf("process %d was started %d times", n, unit.Starts())
			}
		}
	}
}

// pass lets time pass.
func pass(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-time.After(d):
		return nil
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}
