//go:build linux

package node

import (
	"fmt"
	"os"

	"golang.org/x/sys/unix"
)

// Address is the node's own IPv4 address. It is on the loopback interface, but
// a kubelet refuses 127.0.0.1 for a node's address.
const Address = "10.87.0.1"

// raiseLoopback switches the loopback interface on and gives it Address.
func raiseLoopback() error {
	socket, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return os.NewSyscallError("socket", err)
	}
	defer func() { _ = unix.Close(socket) }()
	loopback, err := unix.NewIfreq("lo")
	if err != nil {
		return err
	}
	loopback.SetUint16(unix.IFF_UP | unix.IFF_RUNNING)
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFFLAGS, loopback); err != nil {
		return fmt.Errorf("lo: %w", err)
	}
	alias, err := unix.NewIfreq("lo:node")
	if err != nil {
		return err
	}
	if err := alias.SetInet4Addr([]byte{10, 87, 0, 1}); err != nil {
		return err
	}
	if err := unix.IoctlIfreq(socket, unix.SIOCSIFADDR, alias); err != nil {
		return fmt.Errorf("%s: %w", Address, err)
	}
	return nil
}
