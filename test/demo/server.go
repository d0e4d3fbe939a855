package main

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"os/exec"
	"syscall"
	"time"
)

// startTime is how long the webhook may take until it answers.
const startTime = time.Minute

// server is a running webhook and a client that trusts it.
type server struct {
	url    string
	client *http.Client

	process *exec.Cmd
	exited  chan struct{} // closed when process.ProcessState is set
	log     string
}

// start runs the webhook and returns once it accepts connections.
func start(ctx context.Context, o options) (_ *server, err error) {
	listen, err := freePort(ctx, o.listen)
	if err != nil {
		return nil, err
	}
	s := &server{url: "https://" + listen, exited: make(chan struct{}), log: o.log}
	if err := os.Remove(o.authority); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	log, err := os.Create(o.log)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, log.Close()) }()

	s.process = exec.CommandContext(context.WithoutCancel(ctx), o.webhook, "--standalone", "--objects", o.objects,
		"--listen", listen, "--probe-listen", o.probes, "--write-ca", o.authority, "--drain", "0s")
	s.process.Stdout, s.process.Stderr = log, log
	// A terminal sends Ctrl-C to its whole process group; the webhook takes its
	// signal from here alone, because a second one would cut its drain short.
	s.process.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := s.process.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = s.process.Wait() // ProcessState says the same
		close(s.exited)
	}()
	if err := s.ready(ctx, o.authority); err != nil {
		if kill := s.process.Process.Kill(); !errors.Is(kill, os.ErrProcessDone) {
			err = errors.Join(err, kill)
		}
		return nil, err
	}
	return s, nil
}

// freePort replaces port 0 by one that is free now.
func freePort(ctx context.Context, address string) (string, error) {
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "tcp", address)
	if err != nil {
		return "", fmt.Errorf("choose another address with LISTEN=host:port: %w", err)
	}
	return listener.Addr().String(), listener.Close()
}

// ready waits until the webhook answers, and makes the client that trusts it.
func (s *server) ready(ctx context.Context, authority string) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		err := s.connect(ctx, authority)
		if err == nil {
			return nil
		}
		select {
		case <-s.exited:
			return s.ended()
		case <-ctx.Done():
			return fmt.Errorf("wait for the webhook: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// connect makes the client, which trusts the authority in a PEM file and no
// other, once there is that file and a server.
func (s *server) connect(ctx context.Context, authority string) error {
	certificate, err := os.ReadFile(authority)
	if err != nil {
		return err
	}
	roots := x509.NewCertPool()
	if !roots.AppendCertsFromPEM(certificate) {
		return fmt.Errorf("no certificate in %s", authority)
	}
	s.client = &http.Client{
		Timeout:   10 * time.Second,
		Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: roots}, ForceAttemptHTTP2: true},
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, s.url, nil)
	if err != nil {
		return err
	}
	reply, err := s.client.Do(request)
	if err != nil {
		return err
	}
	return reply.Body.Close()
}

// wait returns when ctx is done, or the webhook has ended by itself.
func (s *server) wait(ctx context.Context) error {
	select {
	case <-s.exited:
		return errors.New("the webhook ended by itself")
	case <-ctx.Done():
		return nil
	}
}

// ended explains a webhook that ended otherwise than it was told to.
func (s *server) ended() error {
	log, err := os.ReadFile(s.log)
	if err != nil {
		return err
	}
	return fmt.Errorf("the webhook ended with %s; its log:\n%s", s.process.ProcessState, log)
}

// stop ends the webhook as the kubelet would and waits for its drain.
func (s *server) stop() error {
	if err := s.process.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-s.exited:
		if !s.process.ProcessState.Success() {
			return s.ended()
		}
		return nil
	case <-time.After(startTime):
		return errors.Join(errors.New("the webhook does not end"), s.process.Process.Kill())
	}
}
