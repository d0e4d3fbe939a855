package compat

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	admissionv1 "k8s.io/api/admission/v1"
	"k8s.io/apimachinery/pkg/util/wait"
)

// standalone starts this version on what the other has stored, and returns what
// asks it.
func standalone(t *testing.T) func(*testing.T, string, *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
	t.Helper()
	folder := t.TempDir()
	binary := filepath.Join(folder, "usher-webhook")
	if output, err := exec.CommandContext(t.Context(), "go", "build", "-trimpath", "-o", binary, "usher.dev/usher/cmd/usher-webhook").CombinedOutput(); err != nil {
		t.Fatalf("build the webhook: %v: %s", err, output)
	}
	address, authority := freeAddress(t), filepath.Join(folder, "ca.crt")
	objects := filepath.Join(folder, "objects")
	for _, name := range []string{"namespaces", "tenants", "ledgers"} {
		if err := os.MkdirAll(objects, 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(objects, name+".yaml"), content(t, "objects/"+name+".yaml"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log bytes.Buffer
	command := exec.CommandContext(t.Context(), binary, "--standalone", "--objects", objects, "--listen", address, "--probe-listen=", "--write-ca", authority)
	command.Stdout, command.Stderr = &log, &log
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = command.Process.Kill()
		_ = command.Wait()
		if t.Failed() {
			t.Logf("the webhook's log:\n%s", log.String())
		}
	})
	client := &http.Client{Timeout: 10 * time.Second}
	ask := func(ctx context.Context, door string, request *admissionv1.AdmissionRequest) (*admissionv1.AdmissionResponse, error) {
		return send(ctx, client, "https://"+address+"/"+door+"?timeout=10s", request)
	}
	err := wait.PollUntilContextTimeout(t.Context(), 20*time.Millisecond, time.Minute, true, func(ctx context.Context) (bool, error) {
		pem, err := os.ReadFile(authority)
		if err != nil {
			return false, nil
		}
		pool := x509.NewCertPool()
		pool.AppendCertsFromPEM(pem)
		client.Transport = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}
		connection, err := new(net.Dialer).DialContext(ctx, "tcp", address)
		if err == nil {
			_ = connection.Close()
		}
		return err == nil, nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return func(t *testing.T, door string, request *admissionv1.AdmissionRequest) *admissionv1.AdmissionResponse {
		t.Helper()
		response, err := ask(t.Context(), door, request)
		if err != nil {
			t.Fatal(err)
		}
		return response
	}
}

func send(ctx context.Context, client *http.Client, url string, asked *admissionv1.AdmissionRequest) (*admissionv1.AdmissionResponse, error) {
	review := &admissionv1.AdmissionReview{Request: asked}
	review.APIVersion, review.Kind = admissionv1.SchemeGroupVersion.String(), "AdmissionReview"
	body, err := json.Marshal(review)
	if err != nil {
		return nil, err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	reply, err := client.Do(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	answer, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, err
	}
	if err := json.Unmarshal(answer, review); err != nil || review.Response == nil {
		return nil, fmt.Errorf("%s, no response: %s: %w", reply.Status, answer, err)
	}
	return review.Response, nil
}

// freeAddress is a port of the loopback address that was free just now.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	return listener.Addr().String()
}
