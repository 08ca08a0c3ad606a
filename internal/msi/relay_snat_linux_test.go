package msi

import (
	"context"
	"errors"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
)

// apart is a network of its own, with addresses and rules that nobody else has. It belongs to the one
// thread of a goroutine and ends with it: nothing is left to clean up, whatever becomes of the test.
type apart struct {
	thread int
	jobs   chan func()
}

func newApart(t *testing.T) *apart {
	t.Helper()
	a, ready := &apart{jobs: make(chan func())}, make(chan error)
	go func() {
		runtime.LockOSThread() // for good: a thread that is locked ends with its goroutine
		a.thread = syscall.Gettid()
		err := syscall.Unshare(syscall.CLONE_NEWNET)
		ready <- err
		if err != nil {
			return
		}
		for job := range a.jobs {
			job()
		}
	}()
	if err := <-ready; err != nil {
		lacks(t, "no network of its own can be had: %v", err)
	}
	t.Cleanup(func() { close(a.jobs) })
	return a
}

// do does a job in the network. The job must not end the test.
func (a *apart) do(job func()) {
	done := make(chan struct{})
	a.jobs <- func() { defer close(done); job() }
	<-done
}

// run runs a command in the network; one that starts with "sysctl" sets a value.
func (a *apart) run(t *testing.T, line string) {
	t.Helper()
	words := strings.Fields(line)
	if words[0] == "sysctl" {
		var err error
		a.do(func() {
			err = os.WriteFile("/proc/sys/"+strings.ReplaceAll(words[1], ".", "/"), []byte(words[2]), 0)
		})
		if err != nil {
			lacks(t, "%s: %v", line, err)
		}
		return
	}
	at := program(t, words[0], "/usr/sbin/"+words[0], "/sbin/"+words[0])
	var said []byte
	var err error
	a.do(func() { said, err = exec.Command(at, words[1:]...).CombinedOutput() })
	if err != nil {
		lacks(t, "%s: %v: %s", line, err, said)
	}
}

// dial connects from within the network.
func (a *apart) dial(ctx context.Context, network, address string) (conn net.Conn, err error) {
	a.do(func() { conn, err = new(net.Dialer).DialContext(ctx, network, address) })
	return conn, err
}

// witness is a listener that remembers where the last connection came from.
type witness struct {
	net.Listener
	from atomic.Value
}

func (l *witness) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		ip, _, _ := net.SplitHostPort(conn.RemoteAddr().String())
		l.from.Store(ip)
	}
	return conn, err
}

// wired gives two networks with a wire between them: the endpoint's at 10.77.0.1 and a caller's at
// 10.77.0.2.
func wired(t *testing.T) (ours, theirs *apart) {
	t.Helper()
	ours, theirs = newApart(t), newApart(t)
	ours.run(t, "ip link set lo up")
	ours.run(t, "ip link add ours type veth peer name theirs")
	ours.run(t, "ip link set theirs netns "+strconv.Itoa(theirs.thread))
	for name, a := range map[string]*apart{"1/24 dev ours": ours, "2/24 dev theirs": theirs} {
		_, dev, _ := strings.Cut(name, "dev ")
		a.run(t, "ip address add 10.77.0."+name)
		a.run(t, "ip link set "+dev+" up")
	}
	return ours, theirs
}

const (
	routed = "sysctl net.ipv4.conf.ours.route_localnet 1"
	dnat   = "iptables -t nat -A PREROUTING -i ours -p tcp --dport 80 -j DNAT --to-destination 127.0.0.1:{port}"
	level  = "iptables -t nat -A PREROUTING -i ours -p tcp --dport {port} -j DNAT --to-destination 127.0.0.1"
	snat   = "iptables -t nat -A INPUT -p tcp -s 10.77.0.2 -d 127.0.0.1 -j SNAT --to-source 127.0.0.1"
)

// TestRewrittenAddressesReachNothing is T2 with a host that rewrites addresses, so that a neighbour's
// connection reaches the endpoint on loopback, and even seems to come from there: where it comes from
// is no credential. What tells is the address that the caller names. One who names the endpoint's own
// is known by the header that they lack; one who has the replica's header has what is asked for.
func TestRewrittenAddressesReachNothing(t *testing.T) {
	for name, c := range map[string]struct {
		rules, address, host string
		from                 string // where the connection seems to come from
		header               bool
		want                 int
	}{
		"DNAT":                        {routed + "\n" + dnat, "10.77.0.1:80", "", "10.77.0.2", true, 400},
		"DNAT at our port":            {routed + "\n" + level, "10.77.0.1:{port}", "", "10.77.0.2", true, 400},
		"DNAT, by a name":             {routed + "\n" + dnat, "10.77.0.1:80", "app.example", "10.77.0.2", true, 400},
		"DNAT, by ours":               {routed + "\n" + dnat, "10.77.0.1:80", "127.0.0.1:{port}", "10.77.0.2", false, 401},
		"DNAT and SNAT":               {routed + "\n" + dnat + "\n" + snat, "10.77.0.1:80", "", "127.0.0.1", true, 400},
		"DNAT and SNAT at our port":   {routed + "\n" + level + "\n" + snat, "10.77.0.1:{port}", "", "127.0.0.1", true, 400},
		"DNAT and SNAT, by localhost": {routed + "\n" + dnat + "\n" + snat, "10.77.0.1:80", "localhost", "127.0.0.1", true, 400},
		"DNAT and SNAT, by our name, header absent":    {routed + "\n" + dnat + "\n" + snat, "10.77.0.1:80", "localhost:{port}", "127.0.0.1", false, 401},
		"DNAT and SNAT, by our address, header absent": {routed + "\n" + level + "\n" + snat, "10.77.0.1:{port}", "127.0.0.1:{port}", "127.0.0.1", false, 401},
		// A host that routes loopback, as kube-proxy sets it, is reached without any rule (CVE-2020-8558).
		"loopback routed, header absent":          {routed, "127.0.0.1:{port}", "", "10.77.0.2", false, 401},
		"loopback routed and SNAT, header absent": {routed + "\n" + snat, "127.0.0.1:{port}", "", "127.0.0.1", false, 401},
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := wired(t)
			l := listens(t, ours)
			w := newWorld(t, worn(system)...)
			to := w.behind(t, l)
			fill := strings.NewReplacer("{port}", to[strings.LastIndexByte(to, ':')+1:]).Replace
			for rule := range strings.Lines(fill(c.rules)) {
				ours.run(t, rule)
			}
			if strings.HasPrefix(c.address, "127.") { // the caller has no loopback of its own in the way
				theirs.run(t, "sysctl net.ipv4.conf.theirs.route_localnet 1")
				theirs.run(t, "ip route add 127.0.0.1/32 via 10.77.0.1")
			}
			by := way{address: fill(c.address), host: fill(c.host), transport: &http.Transport{DisableKeepAlives: true, DialContext: theirs.dial}}
			w.along(t, by, c.header, c.want)
			w.along(t, by, false, c.want)
			if from := l.from.Load(); from != c.from {
				t.Errorf("the connection comes from %v, want %s: the rules do not do what they are to", from, c.from)
			}
			if n := w.minted(); n > 0 {
				t.Errorf("%d tokens were minted", n)
			}
		})
	}
}

// listens gives a listener on a network's loopback.
func listens(t *testing.T, in *apart) *witness {
	t.Helper()
	l := &witness{}
	var err error
	if in.do(func() { l.Listener, err = net.Listen("tcp", "127.0.0.1:0") }); err != nil {
		t.Fatal(err)
	}
	return l
}

// TestWithoutRewritingNothingIsReached is the other side of the rules above: a neighbour that is
// merely on the wire, or that REDIRECT leads to the wire's own address, meets nobody.
func TestWithoutRewritingNothingIsReached(t *testing.T) {
	for name, rule := range map[string]string{
		"no rule":  "",
		"REDIRECT": "iptables -t nat -A PREROUTING -p tcp --dport {port} -j REDIRECT --to-ports {port}",
	} {
		t.Run(name, func(t *testing.T) {
			ours, theirs := wired(t)
			l := listens(t, ours)
			_, port, _ := net.SplitHostPort(newWorld(t, worn(system)...).behind(t, l))
			if rule != "" {
				ours.run(t, strings.ReplaceAll(rule, "{port}", port))
			}
			conn, err := theirs.dial(t.Context(), "tcp", "10.77.0.1:"+port)
			if err == nil {
				conn.Close()
			}
			if !errors.Is(err, syscall.ECONNREFUSED) || l.from.Load() != nil {
				t.Errorf("the neighbour gets %v and is seen from %v, want that nobody is there", err, l.from.Load())
			}
		})
	}
}
