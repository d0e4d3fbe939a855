// Package balancer spreads connections over the replicas of a server, one after
// the other, as kube-proxy does for a Service.
package balancer

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net"
	"slices"
	"sync"
	"time"
)

// dialTimeout is more than a connection on one machine ever takes.
const dialTimeout = time.Second

// Balancer accepts connections at one address and hands each to a replica that
// takes part.
type Balancer struct {
	listener net.Listener

	mu sync.Mutex
	// backends take part in turn; the next one's turn comes first.
	backends []string
	handed   map[string]int
	open     map[net.Conn]bool
	closed   bool
}

// Listen accepts connections at an address, whose replicas are to be added.
func Listen(ctx context.Context, address string) (*Balancer, error) {
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("listen for connections to balance: %w", err)
	}
	b := &Balancer{listener: listener, handed: map[string]int{}, open: map[net.Conn]bool{}}
	go b.accept()
	return b, nil
}

// Add lets a replica take part, as one that has become ready.
func (b *Balancer) Add(address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !slices.Contains(b.backends, address) {
		b.backends = append(b.backends, address)
	}
}

// Remove hands a replica no more connections. Those that it has stay.
func (b *Balancer) Remove(address string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.backends = slices.DeleteFunc(b.backends, func(other string) bool { return other == address })
}

// Handed counts the connections that each replica was handed.
func (b *Balancer) Handed() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	return maps.Clone(b.handed)
}

// Cut breaks every connection that is open, as a network that fails does.
func (b *Balancer) Cut() {
	b.mu.Lock()
	defer b.mu.Unlock()
	for connection := range b.open {
		_ = connection.Close()
	}
}

// Close ends all of it.
func (b *Balancer) Close() {
	if b == nil {
		return
	}
	_ = b.listener.Close()
	b.mu.Lock()
	b.closed = true
	b.mu.Unlock()
	b.Cut()
}

func (b *Balancer) accept() {
	for {
		connection, err := b.listener.Accept()
		if err != nil {
			return
		}
		go b.serve(connection)
	}
}

// serve hands a connection to the first replica that takes it.
func (b *Balancer) serve(client net.Conn) {
	defer func() { _ = client.Close() }()
	for _, address := range b.turn() {
		replica, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(context.Background(), "tcp", address)
		if err != nil {
			continue
		}
		if b.hand(address, client, replica) {
			relay(client, replica)
		}
		b.drop(client, replica)
		return
	}
}

// turn returns the replicas in the order in which they are to be tried.
func (b *Balancer) turn() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	order := slices.Clone(b.backends)
	if len(b.backends) > 1 {
		b.backends = append(b.backends[1:], b.backends[0])
	}
	return order
}

func (b *Balancer) hand(address string, ends ...net.Conn) bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.handed[address]++
	for _, end := range ends {
		b.open[end] = true
	}
	return !b.closed
}

func (b *Balancer) drop(ends ...net.Conn) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for _, end := range ends {
		_ = end.Close()
		delete(b.open, end)
	}
}

// relay copies both ways until either end is closed. A replica that dies takes
// the connection along, and the client finds out at once.
func relay(a, b net.Conn) {
	done := make(chan struct{}, 2)
	move := func(to io.Writer, from io.Reader) {
		_, _ = io.Copy(to, from)
		done <- struct{}{}
	}
	go move(a, b)
	go move(b, a)
	<-done
}
