package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"time"
)

// startTime is how long a program may take until it answers, and until it ends.
const startTime = time.Minute

// process is a running program of usher's.
type process struct {
	name   string
	cmd    *exec.Cmd
	exited chan struct{} // closed when cmd.ProcessState is set
	log    string
}

// startProcess starts a program that logs into a file.
func startProcess(ctx context.Context, log, binary string, args ...string) (*process, error) {
	file, err := os.Create(log)
	if err != nil {
		return nil, err
	}
	defer file.Close() //nolint:errcheck // the program has its own descriptor
	p := &process{name: filepath.Base(binary), exited: make(chan struct{}), log: log}
	p.cmd = exec.CommandContext(context.WithoutCancel(ctx), binary, args...)
	p.cmd.Stdout, p.cmd.Stderr = file, file
	// A terminal sends Ctrl-C to its whole process group; the program takes its
	// signal from here alone, because a second one would cut its drain short.
	p.cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := p.cmd.Start(); err != nil {
		return nil, err
	}
	go func() {
		_ = p.cmd.Wait() // ProcessState says the same
		close(p.exited)
	}()
	return p, nil
}

// awaitReady asks until the program answers, and ends it if it never does.
func (p *process) awaitReady(ctx context.Context, ask func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	for {
		err := ask(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-p.exited:
			return p.ended()
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("wait for %s: %w", p.name, err), p.kill())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// ended explains a program that ended otherwise than it was told to.
func (p *process) ended() error {
	log, err := os.ReadFile(p.log)
	if err != nil {
		return err
	}
	return fmt.Errorf("%s ended with %s; its log:\n%s", p.name, p.cmd.ProcessState, log)
}

// stop ends the program as the kubelet would and waits for its drain.
func (p *process) stop() error {
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	select {
	case <-p.exited:
		if !p.cmd.ProcessState.Success() {
			return p.ended()
		}
		return nil
	case <-time.After(startTime):
		return errors.Join(fmt.Errorf("%s does not end", p.name), p.kill())
	}
}

func (p *process) kill() error {
	if err := p.cmd.Process.Kill(); !errors.Is(err, os.ErrProcessDone) {
		return err
	}
	return nil
}

// freePort replaces port 0 by one that is free now; variable is what makes
// `make run` take another address.
func freePort(ctx context.Context, address, variable string) (string, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return "", fmt.Errorf("choose another address with %s=host:port: %w", variable, err)
	}
	return listener.Addr().String(), listener.Close()
}
