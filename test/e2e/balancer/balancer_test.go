package balancer_test

import (
	"errors"
	"io"
	"maps"
	"net"
	"os"
	"testing"
	"time"

	"usher.dev/usher/test/e2e/balancer"
)

// replica says its name on each connection, then what it is sent.
func replica(t *testing.T, name string) net.Listener {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			connection, err := listener.Accept()
			if err != nil {
				return
			}
			go func() {
				defer connection.Close()
				if _, err := io.WriteString(connection, name); err == nil {
					_, _ = io.Copy(connection, connection)
				}
			}()
		}
	}()
	return listener
}

func listen(t *testing.T) (b *balancer.Balancer, dial func() net.Conn) {
	t.Helper()
	listener, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	address := listener.Addr().String()
	_ = listener.Close()
	if b, err = balancer.Listen(t.Context(), address); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(b.Close)
	return b, func() net.Conn {
		t.Helper()
		connection, err := new(net.Dialer).DialContext(t.Context(), "tcp", address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = connection.Close() })
		if err := connection.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
			t.Fatal(err)
		}
		return connection
	}
}

// said reads n bytes; less is what was there until the end.
func said(t *testing.T, connection net.Conn, n int) string {
	t.Helper()
	buffer := make([]byte, n)
	read, err := io.ReadFull(connection, buffer)
	if errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatal(err)
	}
	return string(buffer[:read])
}

func TestReplicasTakeTurnsAndADeadOneIsPassedOver(t *testing.T) {
	b, dial := listen(t)
	first, second, third := replica(t, "1"), replica(t, "2"), replica(t, "3")
	for _, r := range []net.Listener{first, second, third} {
		b.Add(r.Addr().String())
		b.Add(r.Addr().String()) // a second time changes nothing
	}
	order := ""
	for range 6 {
		order += said(t, dial(), 1)
	}
	if order != "123123" {
		t.Errorf("connections went to %s", order)
	}

	_ = second.Close()
	b.Remove(third.Addr().String())
	for range 3 {
		if got := said(t, dial(), 1); got != "1" {
			t.Errorf("a connection went to %q", got)
		}
	}
	want := map[string]int{first.Addr().String(): 5, second.Addr().String(): 2, third.Addr().String(): 2}
	if got := b.Handed(); !maps.Equal(got, want) {
		t.Errorf("handed %v, want %v", got, want)
	}

	b.Remove(first.Addr().String())
	if got := said(t, dial(), 1); got != "" {
		t.Errorf("%q answered although no replica takes part", got)
	}
}

func TestWhatIsSentArrivesUntilTheConnectionIsCut(t *testing.T) {
	b, dial := listen(t)
	b.Add(replica(t, "1").Addr().String())
	connection := dial()
	if _, err := io.WriteString(connection, "ping"); err != nil {
		t.Fatal(err)
	}
	if got := said(t, connection, 5); got != "1ping" {
		t.Errorf("got %q", got)
	}
	b.Cut()
	if got := said(t, connection, 1); got != "" {
		t.Errorf("got %q on a connection that was cut", got)
	}
}
