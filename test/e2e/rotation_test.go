package e2e

import (
	"context"
	"crypto/tls"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"
	"time"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"

	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
)

// TestRotatingCertificatesLosesNoRequest replaces the webhook's certificate and
// the authority behind it while pods are created: first both authorities are
// known to the API server, then the certificate changes, then the old authority
// goes.
func TestRotatingCertificatesLosesNoRequest(t *testing.T) {
	// Longer than the API server takes to see a change of a webhook configuration.
	const settle = 2 * time.Second
	u := shared.usher
	manifests, err := repository.Manifests(t.Context(), "base")
	if err != nil {
		t.Fatal(err)
	}
	configurations, _ := splitRegistration(manifests)
	next, err := controlplane.NewAuthority("usher, next")
	if err != nil {
		t.Fatal(err)
	}
	namespace := shared.namespace(t, "rotation", "tenant-a")
	stop := keepAsking(t, namespace)

	if err := shared.Apply(t.Context(), u.registration(configurations, slices.Concat(u.authority.PEM, next.PEM))...); err != nil {
		t.Fatal(err)
	}
	time.Sleep(settle)
	if err := u.serveFrom(next); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the webhook serves the new certificate", func() (struct{}, error) {
		dialer := tls.Dialer{Config: &tls.Config{RootCAs: next.Pool(), MinVersion: tls.VersionTLS12}}
		connection, err := dialer.DialContext(t.Context(), "tcp", u.port.Address())
		if _, unknown := errors.AsType[*tls.CertificateVerificationError](err); unknown {
			return struct{}{}, err
		}
		if err != nil {
			t.Fatal(err)
		}
		return struct{}{}, connection.Close()
	})
	u.authority = next
	if err := shared.Apply(t.Context(), u.registration(configurations, next.PEM)...); err != nil {
		t.Fatal(err)
	}
	time.Sleep(settle)

	asked, failed := stop()
	if asked < 50 {
		t.Errorf("only %d pods were created meanwhile", asked)
	}
	for _, err := range failed {
		t.Error(err)
	}
	t.Logf("%d pods, %d failures", asked, len(failed))
}

// keepAsking creates pods, one after the other, until stop is called, which
// returns how many there were and what went wrong.
func keepAsking(t *testing.T, namespace string) (stop func() (asked int, failed []error)) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	t.Cleanup(cancel)
	client := shared.as(t, developer).Resource(pods).Namespace(namespace)
	pod := newObject(t, podKinds[0], namespace, "asked")
	var asked int
	var failed []error
	done := make(chan struct{})
	go func() {
		defer close(done)
		for ctx.Err() == nil {
			_, err := client.Create(context.WithoutCancel(ctx), pod.DeepCopy(), metav1.CreateOptions{DryRun: []string{metav1.DryRunAll}})
			asked++
			if err != nil {
				failed = append(failed, err)
			}
		}
	}()
	return func() (int, []error) {
		cancel()
		<-done
		return asked, failed
	}
}

// serveFrom gives the webhook a certificate of another authority, in the way in
// which an atomic writer does: each file whole, one after the other.
func (u *usher) serveFrom(authority *controlplane.Authority) error {
	serving, err := authority.Serving()
	if err != nil {
		return err
	}
	folder := filepath.Join(u.folder, "next")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	certificate, key, err := serving.Write(folder, "tls.crt", "tls.key")
	if err != nil {
		return err
	}
	return errors.Join(
		os.Rename(certificate, u.path("tls.crt")),
		os.Rename(key, u.path("tls.key")),
	)
}
