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
	"usher.dev/usher/test/e2e/webhook"
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
	configurations, _ := webhook.SplitRegistration(manifests)
	next, err := controlplane.NewAuthority("usher, next")
	if err != nil {
		t.Fatal(err)
	}
	namespace := shared.namespace(t, "rotation", "tenant-a")
	stop := keepAsking(t, namespace)

	if err := shared.Apply(t.Context(), u.Registration(configurations, slices.Concat(u.Authority.PEM, next.PEM))...); err != nil {
		t.Fatal(err)
	}
	time.Sleep(settle)
	if err := serveFrom(u, next); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the webhook serves the new certificate", func() (struct{}, error) {
		dialer := tls.Dialer{Config: &tls.Config{RootCAs: next.Pool(), MinVersion: tls.VersionTLS12}}
		connection, err := dialer.DialContext(t.Context(), "tcp", u.Port.Address())
		if _, unknown := errors.AsType[*tls.CertificateVerificationError](err); unknown {
			return struct{}{}, err
		}
		if err != nil {
			t.Fatal(err)
		}
		return struct{}{}, connection.Close()
	})
	u.Authority = next
	if err := shared.Apply(t.Context(), u.Registration(configurations, next.PEM)...); err != nil {
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
func serveFrom(u *webhook.Replica, authority *controlplane.Authority) error {
	serving, err := authority.Serving()
	if err != nil {
		return err
	}
	folder := filepath.Join(u.Folder, "next")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	certificate, key, err := serving.Write(folder, "tls.crt", "tls.key")
	if err != nil {
		return err
	}
	return errors.Join(
		os.Rename(certificate, u.Path("tls.crt")),
		os.Rename(key, u.Path("tls.key")),
	)
}
