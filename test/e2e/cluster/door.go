//go:build linux

package main

import (
	"context"
	"io"
	"net"
	"net/url"
	"os"

	"golang.org/x/sync/errgroup"
)

// doorSocket is the socket, in a folder that inside and outside share, by which
// connections get into the cluster's own network.
const doorSocket = "door.sock"

// addressVariable names the address outside that leads to the API server.
const addressVariable = "USHER_CLUSTER_ADDRESS"

// openDoor listens on a loopback address of this machine, which it returns, and
// leads to the socket.
func openDoor(socket string) (address string, err error) {
	var config net.ListenConfig
	listener, err := config.Listen(context.Background(), "tcp4", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	go pass(listener, "unix", socket)
	return listener.Addr().String(), nil
}

// leadInside listens on the socket and leads to a server inside, until ctx ends.
func leadInside(ctx context.Context, socket, server string) error {
	to, err := url.Parse(server)
	if err != nil {
		return err
	}
	if err := os.Remove(socket); err != nil && !os.IsNotExist(err) {
		return err
	}
	var config net.ListenConfig
	listener, err := config.Listen(ctx, "unix", socket)
	if err != nil {
		return err
	}
	context.AfterFunc(ctx, func() { _ = listener.Close() })
	go pass(listener, "tcp4", to.Host)
	return nil
}

// pass leads every connection that comes in to an address.
func pass(listener net.Listener, network, address string) {
	for {
		incoming, err := listener.Accept()
		if err != nil {
			return
		}
		go func() {
			defer func() { _ = incoming.Close() }()
			var dialer net.Dialer
			outgoing, err := dialer.DialContext(context.Background(), network, address)
			if err != nil {
				return // The client sees a closed connection.
			}
			defer func() { _ = outgoing.Close() }()
			join(incoming, outgoing)
		}()
	}
}

// join copies both ways until either side has ended.
func join(a, b net.Conn) {
	var both errgroup.Group
	for _, way := range [][2]net.Conn{{a, b}, {b, a}} {
		both.Go(func() error {
			_, err := io.Copy(way[0], way[1])
			_, _ = way[0].Close(), way[1].Close()
			return err
		})
	}
	_ = both.Wait()
}
