package controlplane

import (
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"syscall"
)

// Ports are picked below the range that Linux gives to outgoing connections
// (32768 and up), so that no client can take one between two uses.
const (
	firstPort = 20000
	lastPort  = 29999
	attempts  = 200
)

// Port is a TCP port of the loopback address that no other Port of any process
// shares, until it is released or the process ends. Nothing listens on it yet.
type Port struct {
	Number int
	lock   *os.File
}

// ReservePort finds a free port and holds it: a server may stop and start again
// on it without anyone else coming in between.
func ReservePort() (*Port, error) {
	folder := filepath.Join(os.TempDir(), "usher-e2e-ports")
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, err
	}
	for range attempts {
		number := firstPort + rand.IntN(lastPort-firstPort+1)
		lock, err := os.OpenFile(filepath.Join(folder, strconv.Itoa(number)), os.O_CREATE|os.O_RDWR, 0o600)
		if err != nil {
			return nil, err
		}
		if syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB) == nil && isFree(number) {
			return &Port{Number: number, lock: lock}, nil
		}
		_ = lock.Close()
	}
	return nil, fmt.Errorf("found no free port between %d and %d", firstPort, lastPort)
}

// wellKnownPort is where people expect an API server that others reach. A machine
// has one of them.
func wellKnownPort() *Port { return &Port{Number: 6443} }

// Address returns the port on the loopback address.
func (p *Port) Address() string { return net.JoinHostPort("127.0.0.1", strconv.Itoa(p.Number)) }

// Release gives the port to others. The lock's file stays: removing it would
// let two processes hold locks on files of one name.
func (p *Port) Release() {
	if p != nil && p.lock != nil {
		_ = p.lock.Close()
	}
}

func isFree(number int) bool {
	listener, err := net.ListenTCP("tcp4", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: number})
	if err != nil {
		return false
	}
	return listener.Close() == nil
}
