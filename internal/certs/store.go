package certs

import (
	"context"
	"crypto/x509"
	"fmt"

	"github.com/cert-manager/cert-manager/pkg/util/pki"
	corev1 "k8s.io/api/core/v1"
	apierrors "k8s.io/apimachinery/pkg/api/errors"
	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// authority reads the authority's Secret. Where there is none, or it cannot be
// read, a new authority is to be made, and what is trusted now retires.
func (k *Keeper) authority(ctx context.Context, trusted [][]byte) (*corev1.Secret, *Rotation, error) {
	secret := &corev1.Secret{}
	err := k.client.Get(ctx, client.ObjectKey{Namespace: k.Namespace, Name: k.Secret}, secret)
	if apierrors.IsNotFound(err) {
		secret = &corev1.Secret{ObjectMeta: metav1.ObjectMeta{Namespace: k.Namespace, Name: k.Secret}}
		rotation, err := (&Rotation{Retired: certificates(k.Now(), trusted...)}).Advance(k.Now(), k.RotationOptions, Seen{})
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
		if rotation, err = (&Rotation{Retired: certificates(k.Now(), trusted...)}).Advance(k.Now(), k.RotationOptions, Seen{}); err != nil {
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
