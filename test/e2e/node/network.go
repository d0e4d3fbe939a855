//go:build linux

package node

import (
	"fmt"
	"net"

	"github.com/vishvananda/netlink"

	"usher.dev/usher/test/e2e/controlplane"
)

// Address is the node's own IPv4 address. It is on the loopback interface, but
// a kubelet refuses 127.0.0.1 for a node's address.
const Address = "10.87.0.1"

// podRange is what pods get their addresses of.
const podRange = "10.88.0.0/16"

// raiseLoopback switches the loopback interface on, gives it Address and leads
// the addresses of Services there: kube-proxy's rules send on what passes.
func raiseLoopback() error {
	loopback, err := netlink.LinkByName("lo")
	if err != nil {
		return err
	}
	if err := netlink.LinkSetUp(loopback); err != nil {
		return err
	}
	own := &net.IPNet{IP: net.ParseIP(Address), Mask: net.CIDRMask(32, 32)}
	if err := netlink.AddrAdd(loopback, &netlink.Addr{IPNet: own}); err != nil {
		return fmt.Errorf("%s: %w", Address, err)
	}
	_, services, err := net.ParseCIDR(controlplane.ServiceRange)
	if err != nil {
		return err
	}
	if err := netlink.RouteAdd(&netlink.Route{LinkIndex: loopback.Attrs().Index, Dst: services, Src: own.IP}); err != nil {
		return fmt.Errorf("route to %s: %w", services, err)
	}
	return nil
}
