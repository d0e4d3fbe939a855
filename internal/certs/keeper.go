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

	"github.com/cert-manager/cert-manager/pkg/util/pki"
	"github.com/go-logr/logr"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
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
	secret, rotation, err := k.authority(ctx, bundles)
	if err != nil {
		return 0, err
	}
	leaves, foreign, err := k.leaves(ctx)
	if err != nil {
		return 0, err
	}
	report = state{rotation, leaves}
	now := k.Now()
	seen := Seen{
		Trusted:  func(c *x509.Certificate) bool { return bundles.trust(c, rotation) && leaves.trust(c) },
		Replaced: leaves.signedBy(rotation.Current, now.Add(-k.Overlap)),
	}
	next, err := rotation.Advance(now, k.RotationOptions, seen)
	if err != nil {
		return 0, err
	}
	if next != rotation || secret.UID == "" {
		if err := k.store(ctx, secret, next); err != nil {
			return 0, err
		}
		report.rotation = next
		k.log.Info("authority rotated", "phase", next.Phase(), "authority", next.Current.cert.Subject.CommonName, "until", next.Current.cert.NotAfter)
	}
	k.metrics.authority(next)
	// Bundles before certificates: nothing is served that nobody trusts.
	injected := k.inject(ctx, bundles, next.Bundle())
	if err := errors.Join(foreign, injected, k.renew(ctx, leaves, bundles, next, now)); err != nil {
		return 0, err
	}
	if next != rotation {
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

// authority reads the authority's Secret. Where there is none, or it cannot be
// read, a new authority is to be made, and what bundles trust now retires.
func (k *Keeper) authority(ctx context.Context, trusted bundles) (*corev1.Secret, *Rotation, error) {
	secret := &corev1.Secret{}
	err := k.client.Get(ctx, client.ObjectKey{Namespace: k.Namespace, Name: k.Secret}, secret)
	if apierrors.IsNotFound(err) {
		secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: k.Namespace, Name: k.Secret}}
		rotation, err := (&Rotation{Retired: trusted.certificates(k.Now())}).Advance(k.Now(), k.RotationOptions, Seen{})
		return secret, rotation, err
	}
	if err != nil {
		return nil, nil, fmt.Errorf("read the authority: %w", err)
	}
	if secret.Labels[labelManagedBy] != managedByUsher {
		return nil, nil, &ForeignError{
			fmt.Sprintf("Secret %s/%s", k.Namespace, k.Secret),
			"delete it, or give usher another name for its authority",
		}
	}
	rotation, err := ReadRotation(secret.Data)
	if err != nil {
		k.log.Error(err, "authority unreadable: a new one is made", "secret", k.Secret)
		k.metrics.lost()
		if rotation, err = (&Rotation{Retired: trusted.certificates(k.Now())}).Advance(k.Now(), k.RotationOptions, Seen{}); err != nil {
			return nil, nil, err
		}
		return secret, rotation, k.store(ctx, secret, rotation)
	}
	return secret, rotation, nil
}

// store writes the authority's Secret over the very version that was read.
func (k *Keeper) store(ctx context.Context, secret *corev1.Secret, r *Rotation) error {
	secret.Data = r.Data()
	if secret.UID != "" {
		if err := k.client.Update(ctx, secret); err != nil {
			return fmt.Errorf("store the authority: %w", err)
		}
		return nil
	}
	secret.Type = corev1.SecretTypeOpaque
	secret.Labels = map[string]string{labelManagedBy: managedByUsher}
	if err := k.client.Create(ctx, secret); err != nil {
		return fmt.Errorf("store the authority: %w", err)
	}
	return nil
}

// parse returns the certificates of a PEM bundle; none where there is nothing
// that can be read.
func parse(bundle []byte) []*x509.Certificate {
	certificates, err := pki.DecodeX509CertificateSetBytes(bundle)
	if err != nil {
		return nil
	}
	return certificates
}
