package certs

import (
	"crypto/tls"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-logr/logr"
)

func TestClientsAreRequiredWhereAFileNamesTheirAuthorities(t *testing.T) {
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, newAuthority(t).pem, 0o600); err != nil {
		t.Fatal(err)
	}
	missing := filepath.Join(t.TempDir(), "nothing.pem")
	if _, err := RequireClients(missing, logr.Discard()); err == nil || !strings.HasPrefix(err.Error(), "--client-ca-file: read client CA: open "+missing) {
		t.Errorf("error %v", err)
	}
	for name, want := range map[string]tls.ClientAuthType{
		"":   tls.NoClientCert,
		file: tls.RequireAndVerifyClientCert,
	} {
		require, err := RequireClients(name, logr.Discard())
		if err != nil {
			t.Fatal(err)
		}
		var c tls.Config
		if require(&c); c.ClientAuth != want {
			t.Errorf("%q: %v, want %v", name, c.ClientAuth, want)
		}
	}
}
