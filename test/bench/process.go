package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"time"
)

// startTime is how long a server may take until it answers.
const startTime = time.Minute

// kindOfServer is one of those that are compared.
type kindOfServer struct {
	name  string
	about string
	// judges says that it denies pods that violate the restricted standard.
	judges bool
	// plain serves HTTP/1.1 without TLS, as an extender on loopback does.
	plain bool
	// command is what to run, before the flags that all servers have.
	command []string
}

// process is a running server and a client that can ask it.
type process struct {
	kind   kindOfServer
	url    string
	probes string
	client *http.Client
	// sent counts the reviews that were sent; it numbers them.
	sent uint64

	cmd    *exec.Cmd
	exited chan error
	log    string
}

// start runs a server with its files in a folder of its own and returns once it
// answers.
func start(ctx context.Context, kind kindOfServer, dir string) (*process, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	listen, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	probes, err := freePort(ctx)
	if err != nil {
		return nil, err
	}
	authority := filepath.Join(dir, "ca.crt")
	scheme := "https://"
	args := slices.Concat(kind.command[1:], []string{"--listen", listen, "--probe-listen", probes})
	if kind.plain {
		scheme = "http://"
	} else {
		args = append(args, "--write-ca", authority)
	}
	p := &process{kind: kind, url: scheme + listen, probes: "http://" + probes, exited: make(chan error, 1), log: filepath.Join(dir, "log")}
	log, err := os.Create(p.log)
	if err != nil {
		return nil, err
	}
	defer log.Close() //nolint:errcheck // the server has its own descriptor
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), kind.command[0], args...)
	p.cmd.Stdout, p.cmd.Stderr = log, log
	// A terminal sends Ctrl-C to its whole process group; the server is ended
	// by stop alone.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() { p.exited <- p.cmd.Wait() }()
	if err := p.ready(ctx, authority); err != nil {
		return nil, errors.Join(err, p.stop())
	}
	return p, nil
}

func freePort(ctx context.Context) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	return listener.Addr().String(), listener.Close()
}

func (p *process) ready(ctx context.Context, authority string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		if _, err := p.get(ctx, p.probes+"/startupz"); err == nil {
			break
		}
		select {
		case err := <-p.exited:
			p.exited <- err
			log, _ := os.ReadFile(p.log)
			return fmt.Errorf("%s ended: %w; its log:\n%s", p.kind.name, err, log)
		case <-ctx.Done():
			return fmt.Errorf("wait for %s: %w", p.kind.name, ctx.Err())
		case <-time.After(20 * time.Millisecond):
		}
	}
	if p.kind.plain {
		p.client = &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{}}
		return nil
	}
	certificate, err := os.ReadFile(authority)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(certificate) {
		return fmt.Errorf("no certificate in %s", authority)
	}
	p.client = &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true},
	}
	return nil
}

// get returns what a plain HTTP address of the server says.
func (p *process) get(ctx context.Context, url string) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return nil, err
	}
	reply, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer reply.Body.Close()
	content, err := io.ReadAll(reply.Body)
	if err != nil {
		return nil, err
	}
	if reply.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: %s: %s", url, reply.Status, content)
	}
	return content, nil
}

// stop ends the server at once: nobody waits for its answers any more.
func (p *process) stop() error {
	if err := p.cmd.Process.Kill(); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	<-p.exited //nolint:errcheck // it was killed, and says so
	return nil
}
