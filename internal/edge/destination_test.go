package edge

import (
	"net/netip"
	"strings"
	"testing"
)

func TestPrivateDestinationsAreRefused(t *testing.T) {
	e := newEdge(t)
	e.lookup = resolveTo("10.1.2.3")
	p := open(t, e)
	for name, target := range map[string]string{
		"loopback":                     "127.0.0.1:443",
		"another loopback":             "127.9.9.9:443",
		"loopback in IPv6":             "[::1]:443",
		"this very port":               p.address,
		"unspecified":                  "0.0.0.0:443",
		"unspecified in IPv6":          "[::]:443",
		"this network":                 "0.1.2.3:443",
		"private, class A":             "10.0.0.1:443",
		"private, class B":             "172.16.0.1:443",
		"private, class C":             "192.168.1.1:443",
		"link-local: IMDS":             "169.254.169.254:80",
		"link-local in IPv6":           "[fe80::1]:443",
		"link-local with zone":         "[fe80::1%25eth0]:443",
		"unique local":                 "[fd00:ec2::254]:443",
		"carrier-grade NAT":            "100.100.100.200:443",
		"multicast":                    "224.0.0.1:443",
		"multicast in IPv6":            "[ff02::1]:443",
		"broadcast":                    "255.255.255.255:443",
		"benchmarks":                   "198.18.0.1:443",
		"protocol assignments":         "192.0.0.192:443",
		"the wire server":              "168.63.129.16:80",
		"IPv4-mapped private":          "[::ffff:10.0.0.1]:443",
		"IPv4-mapped in hex":           "[::ffff:a00:1]:443",
		"IPv4-mapped loopback":         "[::ffff:127.0.0.1]:443",
		"IPv4-mapped public":           "[::ffff:8.8.8.8]:443",
		"IPv4-compatible":              "[::10.0.0.1]:443",
		"NAT64":                        "[64:ff9b::a00:1]:443",
		"NAT64 spelled with dots":      "[64:ff9b::10.0.0.1]:443",
		"local NAT64":                  "[64:ff9b:1::a00:1]:443",
		"6to4":                         "[2002:a00:1::1]:443",
		"Teredo":                       "[2001:0:a00:1::1]:443",
		"localhost":                    "localhost:443",
		"localhost with final dot":     "LOCALHOST.:443",
		"a name under localhost":       "db.localhost:5432",
		"a name that leads to private": "intranet.example.org:443",
	} {
		t.Run(name, func(t *testing.T) {
			status, body, _ := p.say(t, connectTo(target))
			if status != 403 {
				t.Errorf("CONNECT %s answered %d %q, want 403", target, status, body)
			}
			if !strings.Contains(name, "zone") && !strings.Contains(body, "try: lanyard up --allow ") {
				t.Errorf("the refusal of %s does not say how to name it: %q", target, body)
			}
		})
	}
}

func TestOddSpellingsOfAddressesAreRefused(t *testing.T) {
	p := open(t, newEdge(t))
	for _, host := range []string{"2130706433", "0x7f000001", "0x7f.1", "127.1", "0177.0.0.1", "127.0.0.01", "10.0.0.256", "1.2.3.4.5", "0x", "foo.0x10", "127。0。0。1"} {
		if status, body, _ := p.say(t, connectTo(host+":443")); status != 400 {
			t.Errorf("CONNECT %s answered %d %q, want 400", host, status, body)
		}
	}
}

func TestAPrivateDestinationPassesWhenItIsNamed(t *testing.T) {
	far := echo(t)
	e := newEdge(t)
	e.dial = dialInstead(far, nil)
	e.Allow = []netip.Prefix{netip.MustParsePrefix("10.0.0.0/24"), netip.MustParsePrefix("127.0.0.1/32")}
	p := open(t, e)
	for target, want := range map[string]int{
		"10.0.0.7:443": 200, "[::ffff:10.0.0.7]:443": 200, "localhost:5432": 200,
		"10.0.1.7:443": 403, "127.0.0.2:443": 403,
	} {
		if got := p.tunnelStatus(t, target); got != want {
			t.Errorf("CONNECT %s answered %d, want %d", target, got, want)
		}
	}
}

func FuzzParseDestination(f *testing.F) {
	for _, seed := range []string{"example.org:443", "[::ffff:10.0.0.1]:1", "0x7f.1:80", "1.2.3.4:5", "[fe80::1%eth0]:9", "a..b:1", ":", "2130706433:443"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, target string) {
		d, err := parseDestination(target)
		if err != nil {
			return
		}
		if d.port == 0 || d.addr.Zone() != "" {
			t.Fatalf("%q gave %+v", target, d)
		}
		if !d.addr.IsValid() && (!isName(d.host) || endsInNumber(d.host)) {
			t.Fatalf("%q gave the name %q", target, d.host)
		}
		again, err := parseDestination(d.String())
		if err != nil || again != d {
			t.Fatalf("%q gave %v, which reads as %v, %v", target, d, again, err)
		}
	})
}

func TestWhatIsPublic(t *testing.T) {
	for _, public := range []string{"8.8.8.8", "93.184.215.14", "168.63.129.17", "100.63.255.255", "172.32.0.1", "2606:4700::1111", "2a00:1450::1"} {
		if !isPublic(netip.MustParseAddr(public)) {
			t.Errorf("%s is refused", public)
		}
	}
}
