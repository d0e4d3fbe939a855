package certs

import (
	"bytes"
	"context"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"slices"
	"time"

	admissionregistrationv1 "k8s.io/api/admissionregistration/v1"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// bundles are the CA bundles that the keeper writes.
type bundles []bundle

// bundle are those of one webhook configuration.
type bundle struct {
	object client.Object
	// fields hold one bundle for each webhook.
	fields []*[]byte
	// foreign: another injector is asked to write the bundle.
	foreign bool
}

// String names the webhook configuration.
func (b bundle) String() string {
	if _, mutating := b.object.(*admissionregistrationv1.MutatingWebhookConfiguration); mutating {
		return "MutatingWebhookConfiguration " + b.object.GetName()
	}
	return "ValidatingWebhookConfiguration " + b.object.GetName()
}

// injectors are the annotations by which others are asked to write CA bundles.
var injectors = []string{"cert-manager.io/inject-ca-from", "cert-manager.io/inject-ca-from-secret", "cert-manager.io/inject-apiserver-ca"}

// bundles finds the webhook configurations that ask for the keeper's bundle.
func (k *Keeper) bundles(ctx context.Context) (bundles, error) {
	var found bundles
	add := func(object client.Object, fields []*[]byte) {
		annotations := object.GetAnnotations()
		if annotations[InjectAnnotation] != InjectSelf {
			return
		}
		foreign := slices.ContainsFunc(injectors, func(key string) bool { return annotations[key] != "" })
		found = append(found, bundle{object, fields, foreign})
	}
	var validating admissionregistrationv1.ValidatingWebhookConfigurationList
	if err := k.client.List(ctx, &validating); err != nil {
		return nil, fmt.Errorf("list webhook configurations: %w", err)
	}
	for i := range validating.Items {
		c := validating.Items[i].DeepCopy()
		var fields []*[]byte
		for j := range c.Webhooks {
			fields = append(fields, &c.Webhooks[j].ClientConfig.CABundle)
		}
		add(c, fields)
	}
	var mutating admissionregistrationv1.MutatingWebhookConfigurationList
	if err := k.client.List(ctx, &mutating); err != nil {
		return nil, fmt.Errorf("list webhook configurations: %w", err)
	}
	for i := range mutating.Items {
		c := mutating.Items[i].DeepCopy()
		var fields []*[]byte
		for j := range c.Webhooks {
			fields = append(fields, &c.Webhooks[j].ClientConfig.CABundle)
		}
		add(c, fields)
	}
	return found, nil
}

// trust reports whether every bundle that trusts something of the rotation holds a
// certificate. One that trusts nothing of it loses nothing either, and those of
// other injectors are unknown.
func (b bundles) trust(c *x509.Certificate, r *Rotation) bool {
	ours := parse(r.Bundle())
	for _, bundle := range b {
		for _, field := range bundle.fields {
			found := parse(*field)
			trusts := slices.ContainsFunc(found, func(f *x509.Certificate) bool { return slices.ContainsFunc(ours, f.Equal) })
			if !bundle.foreign && trusts && !slices.ContainsFunc(found, c.Equal) {
				return false
			}
		}
	}
	return true
}

// all are what the bundles hold, in order.
func (b bundles) all() [][]byte {
	var all [][]byte
	for _, bundle := range b {
		for _, field := range bundle.fields {
			all = append(all, *field)
		}
	}
	return all
}

// beside are the certificates in the bundles that are none of a rotation's, in PEM.
func (b bundles) beside(r *Rotation, now time.Time) []byte {
	ours := parse(r.Bundle())
	var others []byte
	for _, c := range parse(certificates(now, b.all()...)) {
		if !slices.ContainsFunc(ours, c.Equal) {
			others = append(others, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
		}
	}
	return others
}

// certificates returns in PEM what bundles trust now and may for some time, each
// once.
func certificates(now time.Time, bundles ...[]byte) []byte {
	var known []*x509.Certificate
	var out []byte
	for _, bundle := range bundles {
		for _, c := range parse(bundle) {
			if now.Before(c.NotAfter) && !slices.ContainsFunc(known, c.Equal) {
				known = append(known, c)
				out = append(out, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: c.Raw})...)
			}
		}
	}
	return out
}

func holds(bundle []byte, c *x509.Certificate) bool {
	return slices.ContainsFunc(parse(bundle), c.Equal)
}

// inject writes the bundle into every webhook configuration that lacks it. found
// is as it is stored afterwards.
func (k *Keeper) inject(ctx context.Context, found bundles, content []byte) error {
	var errs []error
	for _, b := range found {
		if !slices.ContainsFunc(b.fields, func(field *[]byte) bool { return !bytes.Equal(*field, content) }) {
			continue
		}
		if b.foreign {
			errs = append(errs, &ForeignError{
				fmt.Sprintf("the CA bundle of %s", b),
				"take the annotation of the other injector away, or " + InjectAnnotation,
			})
			continue
		}
		if err := k.injectOne(ctx, b, content); err != nil {
			errs = append(errs, fmt.Errorf("inject the CA bundle into %s: %w", b, err))
			continue
		}
		k.log.Info("CA bundle injected", "configuration", b.String(), "authorities", len(parse(content)))
	}
	return errors.Join(errs...)
}

// injectOne writes over the very version that was read: whoever changed it
// meanwhile is not overwritten.
func (k *Keeper) injectOne(ctx context.Context, b bundle, content []byte) error {
	before := make([][]byte, len(b.fields))
	for i, field := range b.fields {
		before[i], *field = *field, content
	}
	err := k.client.Update(ctx, b.object)
	if err != nil {
		for i, field := range b.fields {
			*field = before[i]
		}
	}
	return err
}
