//go:build linux

package node

import (
	"fmt"
	"syscall"
)

// private are the folders of the machine that the node has copies of its own
// of, empty and in memory: sockets, containers, the kubelet's files, logs.
var private = []string{"/run", "/var/lib", "/var/log"}

// mountPrivately mounts what the node must not share with the machine. It is
// for the first process in new namespaces.
func mountPrivately() error {
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("part with the machine's mounts: %w", err)
	}
	if err := syscall.Mount("proc", "/proc", "proc", syscall.MS_NOSUID|syscall.MS_NODEV|syscall.MS_NOEXEC, ""); err != nil {
		return fmt.Errorf("/proc: %w", err)
	}
	for _, folder := range private {
		if err := syscall.Mount("tmpfs", folder, "tmpfs", 0, "mode=755"); err != nil {
			return fmt.Errorf("%s: %w", folder, err)
		}
	}
	return nil
}
