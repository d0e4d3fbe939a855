package steady

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"usher.dev/usher/test/e2e/installation"
	"usher.dev/usher/test/e2e/steady/scrape"
)

// roll replaces all webhooks, one by one.
func (s *show) roll(ctx context.Context) (string, error) {
	old := slices.Clone(s.Webhooks)
	if err := s.RollWebhooks(ctx, endpointsLag); err != nil {
		return "", err
	}
	if slices.ContainsFunc(s.Webhooks, func(u *installation.Unit) bool { return slices.Contains(old, u) }) {
		return "", errors.New("a replica was not replaced")
	}
	err := until(ctx, "each new replica has judged", func() error {
		for n, unit := range s.Webhooks {
			metrics, err := unit.Get(ctx, "/metrics")
			if err != nil {
				return err
			}
			judged, err := scrape.Sum(metrics, "usher_admission_duration_seconds_count")
			if err != nil || judged == 0 {
				return errors.Join(err, fmt.Errorf("replica %d has judged nothing", n))
			}
		}
		return nil
	})
	return fmt.Sprintf("%d replicas ended in order, %d new ones have judged", len(old), len(s.Webhooks)), err
}

// killLeader ends the leading controller as a crash does; its lease has to run out.
func (s *show) killLeader(ctx context.Context) (string, error) {
	return s.changeLeader(ctx, (*installation.Unit).Kill)
}

// endLeader ends the leading controller in order; it gives its lease back.
func (s *show) endLeader(ctx context.Context) (string, error) {
	return s.changeLeader(ctx, (*installation.Unit).Restart)
}

func (s *show) changeLeader(ctx context.Context, end func(*installation.Unit, context.Context) error) (string, error) {
	var old *installation.Unit
	if err := until(ctx, "a controller leads", func() (err error) { old, err = s.Leader(ctx); return err }); err != nil {
		return "", err
	}
	began, lives := time.Now(), old.Starts()
	if err := end(old, ctx); err != nil {
		return "", err
	}
	var took time.Duration
	err := until(ctx, "another controller leads and has settled a ledger", func() error {
		now, err := s.Leader(ctx)
		if err != nil {
			return err
		}
		// One that was started again may take the lease that it gave back.
		if now == old && old.Starts() == lives {
			return errors.New("the same leads")
		}
		if took == 0 {
			took = time.Since(began)
		}
		metrics, err := now.Get(ctx, "/metrics")
		if err != nil {
			return err
		}
		written, err := scrape.Sum(metrics, `usher_ledger_writes_total{result="written"}`)
		if err == nil && written == 0 {
			err = errors.New("it has written no ledger")
		}
		return err
	})
	return fmt.Sprintf("another leads after %s and settles", took.Round(100*time.Millisecond)), err
}

// restartAPIServers ends one API server after the other in order and starts it again.
func (s *show) restartAPIServers(ctx context.Context) (string, error) {
	for _, server := range s.Front.Servers {
		handed := s.Front.Balancer.Handed()[server.Address()]
		s.load.GoingAway.Add(1)
		err := s.Front.Restart(ctx, server)
		s.load.GoingAway.Add(-1)
		if err != nil {
			return "", err
		}
		if err := until(ctx, "clients have come back", func() error {
			if s.Front.Balancer.Handed()[server.Address()] == handed {
				return errors.New("none has")
			}
			return nil
		}); err != nil {
			return "", err
		}
	}
	return fmt.Sprintf("%d API servers ended in order and serve again", len(s.Front.Servers)), nil
}
