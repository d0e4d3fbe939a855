package controlplane

import (
	"net"
	"testing"
)

func TestAReservedPortIsNobodyElses(t *testing.T) {
	taken := map[int]bool{}
	for range 50 {
		port, err := ReservePort()
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(port.Release)
		if taken[port.Number] {
			t.Fatalf("port %d is reserved twice", port.Number)
		}
		taken[port.Number] = true
	}
}

func TestAServerMayStopAndStartOnItsPort(t *testing.T) {
	port, err := ReservePort()
	if err != nil {
		t.Fatal(err)
	}
	defer port.Release()
	for range 3 {
		var config net.ListenConfig
		listener, err := config.Listen(t.Context(), "tcp", port.Address())
		if err != nil {
			t.Fatal(err)
		}
		if err := listener.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
