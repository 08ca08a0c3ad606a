package edge

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"time"

	"lanyard/internal/fault"
)

const (
	lookupTime = 10 * time.Second
	// chainedLookupTime is short: behind a proxy, public names often do not resolve at all.
	chainedLookupTime = 2 * time.Second
	dialTime          = 10 * time.Second // for each address
)

// reach opens a connection to a destination that the proxy may lead to. A name is resolved once
// and the address that was checked is the one dialled, so that a second, different answer of
// the name server changes nothing. Behind a proxy that the user has, the name is handed on, and
// where it leads is that proxy's to decide; what is private seen from here is refused all the same.
func (s *session) reach(ctx context.Context, d destination) (net.Conn, error) {
	next, err := s.upstream(d)
	if err != nil {
		return nil, err
	}
	addrs, err := s.resolve(ctx, d, next != nil)
	if err != nil {
		return nil, err
	}
	if next != nil {
		return s.chain(ctx, next, d)
	}
	var tried error
	for _, a := range addrs {
		c, err := s.dialAddress(ctx, netip.AddrPortFrom(a, d.port).String())
		if err == nil {
			return c, nil
		}
		tried = errors.Join(tried, err)
	}
	return nil, fault.New(fault.Unavailable, codeUnreachable, "%s could not be reached.", d).Because(tried)
}

// Dial opens a connection to host:port for the platform itself, by the rules of the proxy: to what is of
// the public internet or named, through the proxy that the user has. A refusal is a fault of the kind
// Forbidden.
func (e *Edge) Dial(ctx context.Context, address string) (net.Conn, error) {
	d, err := parseDestination(address)
	if err != nil {
		return nil, err
	}
	return (&session{Edge: e}).reach(ctx, d)
}

// resolve gives the addresses of a destination that may be dialled, at least one of them unless
// a further proxy resolves names itself.
func (s *session) resolve(ctx context.Context, d destination, chained bool) ([]netip.Addr, error) {
	if d.addr.IsValid() {
		if !s.isAllowed(d.addr) {
			return nil, refuseAddress(d, d.addr)
		}
		return []netip.Addr{d.addr.Unmap()}, nil
	}
	bound := lookupTime
	if chained {
		bound = chainedLookupTime
	}
	soon, cancel := context.WithTimeout(ctx, bound)
	defer cancel()
	found, err := s.lookupHost(soon, d.host)
	if err != nil || len(found) == 0 {
		if chained {
			return nil, nil
		}
		return nil, fault.New(fault.Unavailable, codeUnreachable, "The name %s could not be resolved.", d.host).Because(err)
	}
	var good, bad []netip.Addr
	for _, a := range found {
		a = a.Unmap() // resolvers spell IPv4 either way
		if s.isAllowed(a) {
			good = append(good, a)
		} else {
			bad = append(bad, a)
		}
	}
	if len(good) == 0 || chained && len(bad) > 0 {
		return nil, refuseAddress(d, bad[0])
	}
	return good, nil
}

// lookupHost resolves a name. Names under localhost are loopback whatever a name server says
// (RFC 6761 section 6.3).
func (s *session) lookupHost(ctx context.Context, host string) ([]netip.Addr, error) {
	if host == "localhost" || hasDomain(host, "localhost") {
		return []netip.Addr{netip.AddrFrom4([4]byte{127, 0, 0, 1})}, nil
	}
	if s.lookup != nil {
		return s.lookup(ctx, host)
	}
	return net.DefaultResolver.LookupNetIP(ctx, "ip", host+".")
}

func (s *session) dialAddress(ctx context.Context, address string) (net.Conn, error) {
	if s.dial != nil {
		return s.dial(ctx, address)
	}
	return (&net.Dialer{Timeout: dialTime}).DialContext(ctx, "tcp", address)
}

// upstream gives the proxy that the user has for a destination; nil when there is none. A proxy
// variable that leads back to this port, as inside a prepared shell, is none.
func (s *session) upstream(d destination) (*url.URL, error) {
	if s.Upstream == nil {
		return nil, nil
	}
	next, err := s.Upstream(&http.Request{Method: http.MethodGet, Host: d.String(), Header: http.Header{},
		URL: &url.URL{Scheme: "https", Host: d.String(), Path: "/"}})
	if err != nil {
		return nil, fault.New(fault.Unavailable, codeUnreachable, "The proxy variable of Lanyard's own environment cannot be read.").Because(err)
	}
	if next == nil || s.leadsBack(proxyAddress(next)) {
		return nil, nil
	}
	return next, nil
}

func proxyAddress(u *url.URL) string {
	port := u.Port()
	switch {
	case port != "":
	case u.Scheme == "https":
		port = "443"
	default:
		port = "80"
	}
	return net.JoinHostPort(u.Hostname(), port)
}

// leadsBack reports whether a proxy is this very port.
func (s *session) leadsBack(proxy string) bool {
	host, port, err := net.SplitHostPort(proxy)
	_, own, selfErr := net.SplitHostPort(s.self)
	return err == nil && selfErr == nil && port == own &&
		(proxy == s.self || host == "localhost" || isLoopback(host))
}
