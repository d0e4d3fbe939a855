package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// leaves are the certificates that the keeper writes, as they are found.
type leaves []*leaf

// leaves reads the Secrets of the certificates. Those that others made are told of
// and looked at, no more.
func (k *Keeper) leaves(ctx context.Context) (own, foreign leaves, told, err error) {
	var others []error
	for _, wanted := range k.Leaves {
		l := &leaf{LeafSecret: wanted, secret: &corev1.Secret{}}
		err := k.client.Get(ctx, client.ObjectKey{Namespace: k.Namespace, Name: wanted.Name}, l.secret)
		switch {
		case apierrors.IsNotFound(err):
			l.secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: k.Namespace, Name: wanted.Name}}
		case err != nil:
			return nil, nil, nil, fmt.Errorf("read certificate %s: %w", wanted.Name, err)
		}
		l.read()
		if l.secret.UID != "" && l.secret.Labels[labelManagedBy] != managedByUsher {
			foreign = append(foreign, l)
			others = append(others, &ForeignError{
				fmt.Sprintf("Secret %s/%s", k.Namespace, wanted.Name),
				"delete it to let usher make one, or run usher-controller with --cert-mode=files",
			})
			continue
		}
		own = append(own, l)
	}
	return own, foreign, errors.Join(others...), nil
}

// trust reports whether the bundles beside the certificates hold one; where there
// is no Secret, nobody reads one.
func (ls leaves) trust(c *x509.Certificate) bool {
	return !slices.ContainsFunc(ls, func(l *leaf) bool {
		return l.secret.UID != "" && !holds(l.secret.Data[fieldCert], c)
	})
}

// bundles are those beside the certificates.
func (ls leaves) bundles() [][]byte {
	var all [][]byte
	for _, l := range ls {
		all = append(all, l.secret.Data[fieldCert])
	}
	return all
}

// settledUnder reports whether all of them are of an authority, and have arrived.
func (ls leaves) settledUnder(a *Authority, o RotationOptions, now time.Time) bool {
	return !slices.ContainsFunc(ls, func(l *leaf) bool {
		return l.cert == nil || !l.of(a) || now.Before(o.settles(madeAt(l.cert)))
	})
}

// need reports whether one of them is trusted for a bundle.
func (ls leaves) need(bundle []byte, now time.Time) bool {
	return slices.ContainsFunc(ls, func(l *leaf) bool { return l.cert != nil && l.trusted(bundle, now) })
}

// renew makes those certificates anew that have to be, and keeps the bundle beside
// each up to date. While a bundle of the keeper's lacks the current authority, only
// what does not work anyway is replaced.
func (k *Keeper) renew(ctx context.Context, found leaves, webhooks bundles, r *Rotation, now time.Time) error {
	var errs []error
	bundle, everywhere := r.Bundle(), webhooks.trust(r.Current.cert, r)
	for _, l := range found {
		why := l.stale(r, k.RotationOptions, now)
		if why != "" && !everywhere && l.good(bundle, now) {
			errs = append(errs, fmt.Errorf("certificate %s is not replaced yet: not every CA bundle has its authority", l.Name))
			why = ""
		}
		if why != "" || !bytes.Equal(l.secret.Data[fieldCert], bundle) {
			if err := k.writeLeaf(ctx, l, r.Current, bundle, now, why); err != nil {
				errs = append(errs, fmt.Errorf("write certificate %s: %w", l.Name, err))
			}
		}
		if l.cert != nil {
			k.metrics.leaf(l.Name, l.cert)
		}
	}
	return errors.Join(errs...)
}

func (k *Keeper) writeLeaf(ctx context.Context, l *leaf, by *Authority, bundle []byte, now time.Time, why string) error {
	if l.secret.Data == nil {
		l.secret.Data = map[string][]byte{}
	}
	l.secret.Data[fieldCert] = bundle
	if why != "" {
		pair, err := by.Issue(l.Leaf, now, k.LeafLifetime)
		if err != nil {
			return err
		}
		l.secret.Data[corev1.TLSCertKey], l.secret.Data[corev1.TLSPrivateKeyKey] = pair.Cert, pair.Key
	}
	write := k.client.Update
	if l.secret.UID == "" {
		l.secret.Type = corev1.SecretTypeTLS
		l.secret.Labels = map[string]string{labelManagedBy: managedByUsher}
		write = func(ctx context.Context, o client.Object, _ ...client.UpdateOption) error {
			return k.client.Create(ctx, o)
		}
	}
	if err := write(ctx, l.secret); err != nil {
		return err
	}
	if why != "" {
		l.read()
		k.metrics.renewed(l.Name)
		k.log.Info("certificate made", "secret", l.Name, "because", why, "until", l.cert.NotAfter)
	}
	return nil
}
