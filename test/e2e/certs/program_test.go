package certs

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"usher.dev/usher/internal/certs"
	"usher.dev/usher/test/e2e/await"
	"usher.dev/usher/test/e2e/controlplane"
	"usher.dev/usher/test/e2e/repository"
	"usher.dev/usher/test/e2e/webhook"
)

// program is one of usher's servers.
type program struct {
	name, folder string
	port, probes *controlplane.Port
	arguments    []string
	process      *controlplane.Process
}

// newProgram prepares a server that reads the cluster as its service account.
func newProgram(t *testing.T, name, account string) *program {
	t.Helper()
	p := &program{name: name, folder: t.TempDir()}
	for _, port := range []**controlplane.Port{&p.port, &p.probes} {
		var err error
		*port, err = controlplane.ReservePort()
		must(t, err)
		t.Cleanup((*port).Release)
	}
	config, err := plane.AsServiceAccount(t.Context(), namespace, account, nil)
	must(t, err)
	must(t, controlplane.WriteKubeconfig(filepath.Join(p.folder, "kubeconfig"), config))
	p.arguments = []string{"--kubeconfig=" + filepath.Join(p.folder, "kubeconfig"), "--listen=" + p.port.Address(), "--probe-listen=" + p.probes.Address()}
	t.Cleanup(func() { p.process.Kill() })
	return p
}

// webhook prepares usher-webhook with the certificate in its Secret, which lets
// only the API server ask.
func (u *usher) webhook(t *testing.T) *program {
	t.Helper()
	p := newProgram(t, webhook.Name, webhook.Name)
	configuration, err := repository.ShippedConfiguration(u.manifests)
	must(t, err)
	file := filepath.Join(p.folder, "config.yaml")
	must(t, os.WriteFile(file, []byte(configuration), 0o600))
	dir := u.mount(t, certs.WebhookSecret)
	p.arguments = append(p.arguments, "--config="+file, "--cert-dir="+dir,
		"--cert-name=usher-webhook."+namespace+".svc", "--client-ca-file="+filepath.Join(dir, "ca.crt"), "--drain=0s")
	return p
}

func (p *program) start(t *testing.T) {
	t.Helper()
	p.process.Kill()
	var err error
	p.process, err = controlplane.StartProcess(p.name, p.logFile(), binary(t, p.name), p.arguments...)
	must(t, err)
}

func (p *program) logFile() string { return filepath.Join(p.folder, p.name+".log") }

// get returns the answer to a probe; status 0: nobody answers.
func (p *program) get(t *testing.T, path string) (status int, text string) {
	t.Helper()
	request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.probes.Address()+path, http.NoBody)
	must(t, err)
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return 0, err.Error()
	}
	defer func() { _ = response.Body.Close() }()
	body, err := io.ReadAll(response.Body)
	must(t, err)
	return response.StatusCode, string(body)
}

// says waits until readiness has a status and words, and nothing of the others.
func (p *program) says(t *testing.T, status int, words ...string) {
	t.Helper()
	await.Success(t, patience, fmt.Sprintf("%s answers %d and says %q", p.name, status, words), func() (struct{}, error) {
		got, text := p.get(t, "/readyz")
		for _, word := range words {
			if !strings.Contains(text, word) {
				return struct{}{}, fmt.Errorf("%d: %s", got, text)
			}
		}
		if got != status {
			return struct{}{}, fmt.Errorf("%d: %s", got, text)
		}
		return struct{}{}, nil
	})
}

// measures waits until a metric has a value.
func (p *program) measures(t *testing.T, series, value string) {
	t.Helper()
	await.Success(t, patience, series+" "+value, func() (struct{}, error) {
		_, text := p.get(t, "/metrics")
		for line := range strings.Lines(text) {
			if strings.TrimSpace(line) == series+" "+value {
				return struct{}{}, nil
			}
		}
		return struct{}{}, errors.New("among the metrics is no such line")
	})
}

// logged checks that the log has words.
func (p *program) logged(t *testing.T, words string) {
	t.Helper()
	await.Success(t, patience, fmt.Sprintf("%s logs %q", p.name, words), func() (struct{}, error) {
		log, err := os.ReadFile(p.logFile())
		if err == nil && !strings.Contains(string(log), words) {
			err = fmt.Errorf("its log is %s", log)
		}
		return struct{}{}, err
	})
}
