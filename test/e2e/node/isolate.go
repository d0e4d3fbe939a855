//go:build linux

package node

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"runtime"
	"syscall"
)

// stageVariable tells a process of Isolate which part it plays.
const stageVariable = "USHER_NODE_STAGE"

// Isolated says whether this process is inside the namespaces.
func Isolated() bool { return os.Getenv(stageVariable) == "test" }

// Isolate runs this program again, with the same arguments, in namespaces of its
// own, and returns its exit code. TestMain calls it, unless Isolated, before
// anything else. What needs the machine's network or folders, such as building
// programs, prepare does before; the environment variables that it returns are
// set inside. Between the two stands a third process, the first one inside, which
// does what an init process has to: when it ends, so does everything that was
// started inside.
func Isolate(prepare func() (environment []string, err error)) (code int, err error) {
	if os.Getenv(stageVariable) == "init" {
		return initialize()
	}
	environment, err := prepare()
	if err != nil {
		return 1, err
	}
	hierarchy, err := newHierarchy()
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, hierarchy.remove()) }()
	return again("init", append(environment, hierarchyVariable+"="+string(hierarchy)), &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC,
		Pdeathsig:  syscall.SIGKILL,
	})
}

// initialize is the first process inside.
func initialize() (int, error) {
	if err := mountPrivately(); err != nil {
		return 1, fmt.Errorf("mount: %w", err)
	}
	if err := raiseLoopback(); err != nil {
		return 1, fmt.Errorf("raise the loopback interface: %w", err)
	}
	return again("test", nil, nil)
}

// again runs this program in its next part, and reaps, in the first process of
// a namespace, whatever orphans come to it meanwhile.
func again(stage string, environment []string, attributes *syscall.SysProcAttr) (int, error) {
	// The parent that a child dies with is the thread that started it.
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	program, err := os.Executable()
	if err != nil {
		return 1, err
	}
	command := exec.Command(program, os.Args[1:]...) //nolint:noctx // it ends with this process at the latest
	command.Env = append(append(os.Environ(), environment...), stageVariable+"="+stage)
	command.Stdin, command.Stdout, command.Stderr = os.Stdin, os.Stdout, os.Stderr
	command.SysProcAttr = attributes
	// The last part decides what a signal means; this one ends after it.
	told := make(chan os.Signal, 1)
	signal.Notify(told, syscall.SIGINT, syscall.SIGTERM)
	defer func() {
		signal.Stop(told)
		close(told)
	}()
	if err := command.Start(); err != nil {
		return 1, fmt.Errorf("start in namespaces: %w", err)
	}
	go func() {
		for s := range told {
			_ = command.Process.Signal(s)
		}
	}()
	for {
		var status syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &status, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
		case err != nil:
			return 1, err
		case pid == command.Process.Pid && status.Signaled():
			return 1, fmt.Errorf("%s: %s", stage, status.Signal())
		case pid == command.Process.Pid:
			return status.ExitStatus(), nil
		}
	}
}
