package edge

import (
	"net"
	"net/netip"
	"strconv"
	"strings"

	"lanyard/internal/fault"
)

// destination is where a CONNECT wants to go.
type destination struct {
	host string     // lower case, without final dot; the address in its usual form if it is one
	addr netip.Addr // valid when the host was written as an address
	port uint16
}

// String gives host and port as dialled.
func (d destination) String() string {
	return net.JoinHostPort(d.host, strconv.Itoa(int(d.port)))
}

// parseDestination reads the authority form of a request target (RFC 9112 section 3.2.3). Only
// plain spellings pass: resolvers disagree about 2130706433, 0x7f.1 and 127.1, and what
// different readers read differently is how a check is passed by (T25).
func parseDestination(target string) (destination, error) {
	host, number, err := net.SplitHostPort(target)
	port, perr := strconv.ParseUint(number, 10, 16)
	if err != nil || perr != nil || port == 0 {
		return destination{}, fault.New(fault.Invalid, codeDestination, "CONNECT wants a host and a port, as in example.org:443.")
	}
	d := destination{host: strings.ToLower(strings.TrimSuffix(host, ".")), port: uint16(port)}
	if addr, err := netip.ParseAddr(d.host); err == nil {
		if addr.Zone() != "" {
			return destination{}, fault.New(fault.Forbidden, codeRefused, "An address with a zone leads to this machine's own links.")
		}
		d.addr, d.host = addr, addr.String()
		return d, nil
	}
	if !isName(d.host) || endsInNumber(d.host) {
		return destination{}, fault.New(fault.Invalid, codeDestination,
			"%q is neither a host name nor an address in its usual form, as in 192.0.2.1 or [2001:db8::1].", host)
	}
	return d, nil
}

// endsInNumber reports whether some resolvers would take a name for an IPv4 address
// (WHATWG URL, "ends in a number checker").
func endsInNumber(name string) bool {
	last := name[strings.LastIndexByte(name, '.')+1:]
	if rest, hex := strings.CutPrefix(last, "0x"); hex {
		return strings.Trim(rest, "0123456789abcdef") == ""
	}
	return strings.Trim(last, "0123456789") == ""
}

// Addresses that are not the public internet, beyond what netip itself tells apart
// (IANA IPv4 and IPv6 Special-Purpose Address Registries).
var special = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),        // this network
	netip.MustParsePrefix("100.64.0.0/10"),    // carrier-grade NAT (RFC 6598)
	netip.MustParsePrefix("168.63.129.16/32"), // the wire server of Azure's own hosts
	netip.MustParsePrefix("192.0.0.0/24"),     // protocol assignments (RFC 6890)
	netip.MustParsePrefix("192.0.2.0/24"),     // documentation
	netip.MustParsePrefix("192.88.99.0/24"),   // 6to4 relays
	netip.MustParsePrefix("198.18.0.0/15"),    // benchmarks
	netip.MustParsePrefix("198.51.100.0/24"),  // documentation
	netip.MustParsePrefix("203.0.113.0/24"),   // documentation
	netip.MustParsePrefix("240.0.0.0/4"),      // reserved, and broadcast
	netip.MustParsePrefix("2001::/23"),        // protocol assignments, Teredo among them
	netip.MustParsePrefix("2001:db8::/32"),    // documentation
	netip.MustParsePrefix("2002::/16"),        // 6to4 carries any IPv4 address inside
	netip.MustParsePrefix("3fff::/20"),        // documentation
}

// globalUnicast is all that IANA has given out of IPv6; IPv4-mapped (::ffff:0:0/96), NAT64
// (64:ff9b::/96, 64:ff9b:1::/48) and unique local addresses lie outside.
var globalUnicast = netip.MustParsePrefix("2000::/3")

// isPublic reports whether an address is of the public internet as it is written.
func isPublic(a netip.Addr) bool {
	if !a.IsGlobalUnicast() || a.IsPrivate() || a.Is6() && !globalUnicast.Contains(a) {
		return false
	}
	for _, p := range special {
		if p.Contains(a) {
			return false
		}
	}
	return true
}

// isAllowed reports whether the proxy may lead to an address: a public one, or a named one.
func (s *session) isAllowed(a netip.Addr) bool {
	for _, p := range s.Allow {
		if p.Contains(a.Unmap()) {
			return true
		}
	}
	return isPublic(a)
}

func isLoopback(host string) bool {
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// refuseAddress names what stands between a caller and a private address.
func refuseAddress(d destination, a netip.Addr) error {
	a = a.Unmap()
	return fault.New(fault.Forbidden, codeRefused,
		"%s leads to %s, which is not an address of the public internet; the proxy leads there only when it is named.", d, a).
		Try("lanyard up --allow %s", netip.PrefixFrom(a, a.BitLen()))
}
