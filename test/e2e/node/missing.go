//go:build linux

package node

import (
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// Missing says what this machine lacks to run a node.
func Missing() error {
	if !capable(unix.CAP_SYS_ADMIN, unix.CAP_NET_ADMIN) {
		return errors.New("a node needs root, with CAP_SYS_ADMIN and CAP_NET_ADMIN")
	}
	for _, program := range []string{
		"containerd", "ctr", "runc", "iptables", "conntrack",
		filepath.Join(plugins, "ptp"), filepath.Join(plugins, "host-local"), filepath.Join(plugins, "loopback"),
	} {
		if _, err := exec.LookPath(program); err != nil {
			return fmt.Errorf("a node needs Debian's containerd, runc, containernetworking-plugins, iptables and conntrack: %w", err)
		}
	}
	return nil
}

// capable says whether this process has all of the capabilities; see
// capabilities(7). Version 3 has two words of 32 each.
func capable(capabilities ...int) bool {
	header := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	var data [2]unix.CapUserData
	if err := unix.Capget(&header, &data[0]); err != nil {
		return false
	}
	for _, c := range capabilities {
		if data[c/32].Effective&(1<<(c%32)) == 0 {
			return false
		}
	}
	return true
}
