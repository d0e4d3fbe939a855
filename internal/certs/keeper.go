package certs

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-logr/logr"
	"k8s.io/apimachinery/pkg/util/validation"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

const (
	// InjectAnnotation on a webhook configuration, with the value InjectSelf,
	// asks the keeper to write its CA bundles.
	InjectAnnotation = "usher.dev/inject-ca"
	// InjectSelf asks for the bundle of usher's own authority.
	InjectSelf = "self"

	labelManagedBy = "app.kubernetes.io/managed-by"
	managedByUsher = "usher"
)

const (
	// soonest is the least time between two looks.
	soonest = time.Second
	// longestSleep bounds the time between two looks: what wakes the keeper earlier
	// may be missed, and a clock may jump.
	longestSleep = 10 * time.Minute
)

// LeafSecret is a Secret of type kubernetes.io/tls that the keeper writes, with
// the bundle in ca.crt beside the certificate.
type LeafSecret struct {
	Name string
	Leaf
}

// KeeperOptions say what is kept where.
type KeeperOptions struct {
	// Namespace and Secret of the authority. Only the keeper has to read it.
	Namespace string
	Secret    string
	// Leaves are the certificates to be kept.
	Leaves []LeafSecret
	RotationOptions

	// Now is the clock. Default: time.Now.
	Now func() time.Time
}

// Validate says, by the names of usher-controller's flags, what does not fit.
func (o KeeperOptions) Validate() error {
	errs := []error{o.RotationOptions.Validate()}
	if why := validation.IsDNS1123Subdomain(o.Secret); len(why) > 0 {
		errs = append(errs, fmt.Errorf("--ca-secret %q is no name of a Secret: %s", o.Secret, strings.Join(why, "; ")))
	}
	if slices.ContainsFunc(o.Leaves, func(l LeafSecret) bool { return l.Name == o.Secret }) {
		errs = append(errs, fmt.Errorf("--ca-secret %q is the Secret of a certificate: the authority needs one of its own, which nobody mounts", o.Secret))
	}
	return errors.Join(errs...)
}

// Keeper makes usher's own authority, the certificates that usher serves, and the
// CA bundles by which they are verified, and replaces all of them in time. What
// others made it never overwrites. One keeper runs at a time.
type Keeper struct {
	KeeperOptions
	client  client.Client
	log     logr.Logger
	metrics *KeeperMetrics
	state   atomic.Pointer[string]
}

// NewKeeper returns a keeper that reads and writes through a client, which must not
// read from a cache. It refuses lifetimes that do not fit together.
func NewKeeper(o KeeperOptions, c client.Client, log logr.Logger, metrics *KeeperMetrics) (*Keeper, error) {
	if err := o.Validate(); err != nil {
		return nil, err
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	k := &Keeper{KeeperOptions: o, client: c, log: log, metrics: metrics}
	k.state.Store(new("certificates: not looked at yet"))
	return k, nil
}

// ForeignError says that a Secret or a CA bundle is not the keeper's to write.
type ForeignError struct{ What, Advice string }

func (e *ForeignError) Error() string { return e.What + " was not made by usher; " + e.Advice }

// Keep looks at everything once and returns after how long to look again. It is
// told of an error again and again until it is gone; whatever does not depend on
// the failed part is done.
func (k *Keeper) Keep(ctx context.Context) (again time.Duration, err error) {
	var report state
	defer func() {
		k.metrics.kept(err)
		k.state.Store(new(report.text(err)))
	}()
	bundles, err := k.bundles(ctx)
	if err != nil {
		return 0, err
	}
	leaves, foreign, told, err := k.leaves(ctx)
	if err != nil {
		return 0, err
	}
	secret, stored, err := k.authority(ctx, slices.Concat(bundles.all(), leaves.bundles()))
	if err != nil {
		return 0, err
	}
	report = state{stored, leaves}
	now := k.Now()
	rotation := stored
	if others := bundles.beside(rotation, now); foreign.need(others, now) {
		rotation = rotation.adopt(others, now)
	}
	seen := Seen{
		Trusted:  func(c *x509.Certificate) bool { return bundles.trust(c, rotation) && leaves.trust(c) },
		Replaced: leaves.settledUnder(rotation.Current, k.RotationOptions, now) && !foreign.need(rotation.Retired, now),
	}
	next, err := rotation.Advance(now, k.RotationOptions, seen)
	if err != nil {
		return 0, err
	}
	if next != stored || secret.UID == "" {
		if err := k.store(ctx, secret, next); err != nil {
			return 0, err
		}
		report.rotation = next
		k.log.Info("authority rotated", "phase", next.Phase(), "authority", next.Current.cert.Subject.CommonName, "until", next.Current.cert.NotAfter)
	}
	k.metrics.authority(next)
	// Bundles before certificates: nothing is served that nobody trusts.
	injected := k.inject(ctx, bundles, next.Bundle())
	if err := errors.Join(told, injected, k.renew(ctx, leaves, bundles, next, now)); err != nil {
		return 0, err
	}
	if next != stored {
		return soonest, nil // what was just written has to be seen
	}
	wake := next.Wake(now, k.RotationOptions)
	for _, leaf := range leaves {
		wake = min(wake, leaf.replaceAt(next, k.RotationOptions).Sub(now))
	}
	return min(max(wake, soonest), longestSleep), nil
}

// State says in lines for people what was found when the keeper last looked.
func (k *Keeper) State() string { return *k.state.Load() }
