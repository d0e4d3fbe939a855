package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"slices"
	"time"

	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// leaves are the certificates that the keeper writes, as they are found.
type leaves []*leaf

type leaf struct {
	LeafSecret
	secret *corev1.Secret
	// cert is nil where there is none that can be read.
	cert *x509.Certificate
}

// leaves reads the Secrets of the certificates. foreign tells of those that others
// made, which are left out.
func (k *Keeper) leaves(ctx context.Context) (found leaves, foreign, err error) {
	var others []error
	for _, wanted := range k.Leaves {
		l := &leaf{LeafSecret: wanted, secret: &corev1.Secret{}}
		err := k.client.Get(ctx, client.ObjectKey{Namespace: k.Namespace, Name: wanted.Name}, l.secret)
		switch {
		case apierrors.IsNotFound(err):
			l.secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: k.Namespace, Name: wanted.Name}}
		case err != nil:
			return nil, nil, fmt.Errorf("read certificate %s: %w", wanted.Name, err)
		case l.secret.Labels[labelManagedBy] != managedByUsher:
			others = append(others, &ForeignError{
				fmt.Sprintf("Secret %s/%s", k.Namespace, wanted.Name),
				"delete it to let usher make one, or run usher-controller with --cert-mode=files",
			})
			continue
		default:
			l.secret = l.secret.DeepCopy()
		}
		l.read()
		found = append(found, l)
	}
	return found, errors.Join(others...), nil
}

func (l *leaf) read() {
	pair, err := tls.X509KeyPair(l.secret.Data[corev1.TLSCertKey], l.secret.Data[corev1.TLSPrivateKeyKey])
	if err == nil {
		l.cert = pair.Leaf
	}
}

// trust reports whether the bundles beside the certificates hold one; where there
// is no Secret, nobody reads one.
func (ls leaves) trust(c *x509.Certificate) bool {
	return !slices.ContainsFunc(ls, func(l *leaf) bool {
		return l.secret.UID != "" && !holds(l.secret.Data[fieldCert], c)
	})
}

// signedBy reports whether an authority signed all of them before some time.
func (ls leaves) signedBy(a *Authority, before time.Time) bool {
	return !slices.ContainsFunc(ls, func(l *leaf) bool {
		return l.cert == nil || l.cert.CheckSignatureFrom(a.cert) != nil || madeAt(l.cert).After(before)
	})
}

// replaceAt is when a good certificate has to be replaced. Where bundles may not
// have arrived everywhere yet, one that is due waits for as long as it lasts for
// another overlap.
func (l *leaf) replaceAt(r *Rotation, o RotationOptions) time.Time {
	at, from := o.renewAt(l.cert), r.servesFrom(o)
	if l.cert.CheckSignatureFrom(r.Current.cert) != nil && from.Before(at) {
		at = from
	}
	if last := l.cert.NotAfter.Add(-o.Overlap); last.Before(from) {
		from = last
	}
	if at.Before(from) {
		return from
	}
	return at
}

// good reports whether a certificate does its work now.
func (l *leaf) good(bundle []byte, now time.Time) bool {
	return l.cert != nil && usable(l.cert, now) && trusted(l.cert, bundle) && l.names()
}

// stale says why a certificate has to be made anew, "" if it has not.
func (l *leaf) stale(r *Rotation, o RotationOptions, now time.Time) string {
	switch {
	case l.cert == nil:
		return "there is none"
	case !usable(l.cert, now):
		return "it is not valid now"
	case !trusted(l.cert, r.Bundle()):
		return "no authority that is trusted signed it"
	case !l.names():
		return "it is for other names"
	case now.Before(l.replaceAt(r, o)):
		return ""
	case now.Before(o.renewAt(l.cert)):
		return "another authority signs now"
	}
	return "two thirds of its life are over"
}

// trusted reports whether an authority in a bundle signed a certificate.
func trusted(c *x509.Certificate, bundle []byte) bool {
	return slices.ContainsFunc(parse(bundle), func(a *x509.Certificate) bool { return c.CheckSignatureFrom(a) == nil })
}

// names reports whether the certificate is for the names that are wanted.
func (l *leaf) names() bool {
	has := slices.Clone(l.cert.DNSNames)
	for _, ip := range l.cert.IPAddresses {
		has = append(has, ip.String())
	}
	want := slices.Clone(l.Hosts)
	for i, host := range want {
		if ip := net.ParseIP(host); ip != nil {
			want[i] = ip.String()
		}
	}
	slices.Sort(has)
	slices.Sort(want)
	return slices.Equal(has, want) && l.cert.Subject.CommonName == l.CommonName
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
