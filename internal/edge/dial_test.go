package edge

import (
	"context"
	"errors"
	"net"
	"net/netip"
	"testing"

	"lanyard/internal/fault"
)

// T25: the platform itself, when it asks a foreign issuer for its keys, goes by the rules of the proxy.
func TestThePlatformDialsByTheRulesOfTheProxy(t *testing.T) {
	var looked, dialled []string
	e := &Edge{
		Allow: []netip.Prefix{netip.MustParsePrefix("10.1.0.0/16")},
		lookup: func(_ context.Context, host string) ([]netip.Addr, error) {
			looked = append(looked, host)
			if len(looked)%2 == 0 { // a second answer would lead inward
				return []netip.Addr{netip.MustParseAddr("169.254.169.254")}, nil
			}
			return []netip.Addr{netip.MustParseAddr("8.8.8.8")}, nil
		},
		dial: func(_ context.Context, address string) (net.Conn, error) {
			dialled = append(dialled, address)
			near, far := net.Pipe()
			t.Cleanup(func() { _ = far.Close() })
			return near, nil
		},
	}
	for address, want := range map[string]string{"issuer.example:443": "8.8.8.8:443", "10.1.2.3:443": "10.1.2.3:443"} {
		dialled = nil
		c, err := e.Dial(t.Context(), address)
		if err != nil || len(dialled) != 1 || dialled[0] != want {
			t.Errorf("%s: dialled %v, %v", address, dialled, err)
			continue
		}
		_ = c.Close()
	}
	dialled = nil
	for _, address := range []string{"127.0.0.1:443", "[::1]:443", "localhost:443", "169.254.169.254:80", "10.2.0.1:443", "[::ffff:127.0.0.1]:443", "2130706433:443", "issuer.example:443"} {
		_, err := e.Dial(t.Context(), address)
		var f *fault.Error
		if !errors.As(err, &f) || f.Kind != fault.Forbidden && f.Kind != fault.Invalid {
			t.Errorf("%s: %v", address, err)
		}
	}
	if len(dialled) != 0 {
		t.Errorf("dialled %v", dialled)
	}
}
