package certs

import (
	"context"
	"time"

	apierrors "k8s.io/apimachinery/pkg/api/errors"
)

// longestRetry bounds how long an error is waited out.
const longestRetry = time.Minute

// Run keeps certificates until the context ends: it looks now, whenever it is
// woken, when something falls due, and soon again after an error.
func (k *Keeper) Run(ctx context.Context, wake <-chan struct{}) {
	retry, said := soonest, ""
	for {
		again, err := k.Keep(ctx)
		if ctx.Err() != nil {
			return
		}
		said = k.say(err, said)
		if err == nil {
			retry = soonest
		} else {
			again, retry = retry, min(2*retry, longestRetry)
		}
		if !pause(ctx, soonest, nil) || !pause(ctx, again-soonest, wake) {
			return
		}
	}
}

// say tells the log of an error once, and when it is gone.
func (k *Keeper) say(err error, said string) string {
	switch {
	case err == nil && said != "":
		k.log.Info("certificates and CA bundles are kept again")
		return ""
	case err == nil:
		return ""
	case apierrors.IsConflict(err):
		return said // somebody wrote meanwhile, and the next look reads it
	case err.Error() != said:
		k.log.Error(err, "certificates or CA bundles not kept")
	}
	return err.Error()
}

// pause waits until a time is over or something wakes it; false: the context has
// ended.
func pause(ctx context.Context, d time.Duration, wake <-chan struct{}) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	case <-wake:
	}
	return ctx.Err() == nil
}
