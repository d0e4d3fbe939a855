package certs

import (
	"crypto/tls"
	"fmt"

	"github.com/go-logr/logr"
)

// RequireClients returns what makes a server accept only clients with a
// certificate of an authority in the PEM file that the flag --client-ca-file
// names. The file is read again when it changes; log is told when that fails.
// Without a file every client is accepted.
func RequireClients(file string, log logr.Logger) (func(*tls.Config), error) {
	if file == "" {
		return func(*tls.Config) {}, nil
	}
	clients, err := LoadClientCA(file, func(err error) {
		log.Error(err, "client CA not read again: the last good one stays in force")
	})
	if err != nil {
		return nil, fmt.Errorf("--client-ca-file: %w", err)
	}
	return clients.Require, nil
}
