package metricspage

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"testing"
	"time"

	"usher.dev/usher/internal/certs"
)

// Kubeconfig writes a kubeconfig file that leads nowhere: what a binary exports
// does not depend on whether there is a cluster.
func Kubeconfig(t *testing.T) string {
	t.Helper()
	const text = `{apiVersion: v1, kind: Config, current-context: c, clusters: [{name: c, cluster: {server: "https://127.0.0.1:1"}}], contexts: [{name: c, context: {cluster: c}}]}`
	path := filepath.Join(t.TempDir(), "kubeconfig")
	write(t, path, []byte(text))
	return path
}

// Certificate writes a certificate and its key, and returns their folder.
func Certificate(t *testing.T) string {
	t.Helper()
	cert, _, err := certs.SelfSigned([]string{"localhost"}, time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	key, err := x509.MarshalPKCS8PrivateKey(cert.PrivateKey)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	write(t, filepath.Join(folder, "tls.crt"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: cert.Certificate[0]}))
	write(t, filepath.Join(folder, "tls.key"), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: key}))
	return folder
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}
