package controlplane

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"syscall"
)

// logTail is how much of a process's log an error quotes, in bytes.
const logTail = 4000

// Process is a server that a test started. It dies with the test, whatever
// becomes of the test.
type Process struct {
	name    string
	logFile string
	command *exec.Cmd
	ended   chan struct{}
}

// StartProcess starts a program that logs, appending, to logFile.
func StartProcess(name, logFile, program string, arguments ...string) (*Process, error) {
	log, err := os.OpenFile(logFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, err
	}
	command := exec.Command(program, arguments...) //nolint:noctx // it outlives the call, and Kill ends it
	command.Stdout, command.Stderr = log, log
	command.SysProcAttr = withoutOrphans()
	p := &Process{name: name, logFile: logFile, command: command, ended: make(chan struct{})}
	started := make(chan error)
	go func() {
		// The process lives as long as this thread, which therefore waits for it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer func() { _ = log.Close() }()
		err := command.Start()
		started <- err
		if err != nil {
			return
		}
		// How it ended is in its log.
		_ = command.Wait()
		close(p.ended)
	}()
	if err := <-started; err != nil {
		return nil, fmt.Errorf("start %s: %w", name, err)
	}
	return p, nil
}

// Ended is closed when the process is gone.
func (p *Process) Ended() <-chan struct{} { return p.ended }

// Runs says whether the process is still there.
func (p *Process) Runs() bool {
	select {
	case <-p.ended:
		return false
	default:
		return true
	}
}

// Kill ends the process at once, as a power cut would, and waits until it is gone.
func (p *Process) Kill() {
	if p == nil {
		return
	}
	_ = p.command.Process.Kill()
	<-p.ended
}

// Pause stops the process where it is, as a machine that hangs does, until Resume.
// Kill ends it nonetheless.
func (p *Process) Pause() error { return p.signal(syscall.SIGSTOP) }

// Resume lets a process go on that was paused.
func (p *Process) Resume() error { return p.signal(syscall.SIGCONT) }

func (p *Process) signal(s syscall.Signal) error {
	if err := p.command.Process.Signal(s); err != nil {
		return fmt.Errorf("%s: send %s: %w", p.name, s, err)
	}
	return nil
}

// Stop asks the process to end, as a kubelet does, and waits until it is gone.
func (p *Process) Stop(ctx context.Context) error {
	if err := p.command.Process.Signal(syscall.SIGTERM); err != nil {
		return p.Failure(fmt.Errorf("stop: %w", err))
	}
	select {
	case <-p.ended:
	case <-ctx.Done():
		return p.Failure(fmt.Errorf("stop: %w", ctx.Err()))
	}
	if code := p.command.ProcessState.ExitCode(); code != 0 {
		return p.Failure(fmt.Errorf("stop: exit code %d", code))
	}
	return nil
}

// Failure says why the process is of no use: cause, and the end of its log.
func (p *Process) Failure(cause error) error {
	return fmt.Errorf("%s: %w; the end of %s:\n%s", p.name, cause, p.logFile, p.tail())
}

func (p *Process) tail() []byte {
	log, err := os.ReadFile(p.logFile)
	if err != nil {
		return []byte(err.Error())
	}
	return bytes.TrimSpace(log[max(0, len(log)-logTail):])
}
