package cluster

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/util/resourceversion"
)

// ErrHistory says that the API server's history has gone back: etcd was restored
// from an earlier snapshot. What watches have brought may never have happened, and
// they do not say so: only a process that reads everything anew knows better.
var ErrHistory = errors.New("the cluster's state was restored from an earlier snapshot; what is in memory must be read anew")

// historyEvery is between two looks. Between the restore and the next look, the
// new history must not come as far as the old one was.
const historyEvery = 5 * time.Second

// History watches that the API server's resource versions never go back.
type History struct {
	// Version reads the current resource version: that of a list, live and never
	// from a cache, always of the same kind of object.
	Version func(ctx context.Context) (string, error)
	// Every is between two looks. Zero: 5 seconds.
	Every time.Duration
	Log   logr.Logger
}

// Start returns ErrHistory once the history has gone back, and nil when the
// context ends. While the API server is away it goes on.
func (h *History) Start(ctx context.Context) error {
	every := h.Every
	if every == 0 {
		every = historyEvery
	}
	tick := time.NewTicker(every)
	defer tick.Stop()
	last := ""
	for {
		now, err := h.look(ctx, every)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			h.Log.V(1).Info("cannot read the resource version", "error", err.Error())
		case last == "":
			last = now
		default:
			order, err := resourceversion.CompareResourceVersion(now, last)
			if err != nil {
				return fmt.Errorf("compare resource versions: %w", err)
			}
			if order < 0 {
				return fmt.Errorf("%w: resource version %s came after %s", ErrHistory, now, last)
			}
			last = now
		}
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
		}
	}
}

// NeedLeaderElection says that those who do not lead look as well: they have
// caches, too.
func (h *History) NeedLeaderElection() bool { return false }

func (h *History) look(ctx context.Context, patience time.Duration) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	return h.Version(ctx)
}
