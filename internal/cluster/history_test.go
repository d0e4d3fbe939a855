package cluster_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/go-logr/logr"

	"usher.dev/usher/internal/cluster"
)

func TestHistory(t *testing.T) {
	away := errors.New("away")
	for _, test := range []struct {
		name     string
		versions []string // "" is an API server that is away
		want     error
	}{
		{name: "versions that grow or stay are one history", versions: []string{"9", "10", "10", "1000000000000000000000"}},
		{name: "a version that goes back is another", versions: []string{"9", "10", "9"}, want: cluster.ErrHistory},
		{name: "an API server that is away is none", versions: []string{"", "10", "", "11"}},
		{name: "one that comes back with an earlier version is", versions: []string{"", "10", "", "3"}, want: cluster.ErrHistory},
	} {
		t.Run(test.name, func(t *testing.T) {
			ctx, cancel := context.WithCancel(t.Context())
			rest := test.versions
			h := &cluster.History{Every: time.Millisecond, Log: logr.Discard(), Version: func(context.Context) (string, error) {
				if len(rest) == 0 {
					cancel()
					return "", ctx.Err()
				}
				now := rest[0]
				rest = rest[1:]
				if now == "" {
					return "", away
				}
				return now, nil
			}}
			if err := h.Start(ctx); !errors.Is(err, test.want) {
				t.Errorf("got %v, want %v", err, test.want)
			}
			if len(rest) > 0 {
				t.Errorf("it ended before it saw %v", rest)
			}
		})
	}
}

func TestAHistoryThatCannotBeComparedIsAnError(t *testing.T) {
	h := &cluster.History{Every: time.Millisecond, Log: logr.Discard(), Version: func(context.Context) (string, error) { return "x", nil }}
	if err := h.Start(t.Context()); err == nil || errors.Is(err, cluster.ErrHistory) {
		t.Errorf("got %v", err)
	}
}
