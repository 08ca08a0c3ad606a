package msi

import (
	"bufio"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// dockerProxy publishes an address at another, as Docker does for a container's port.
func dockerProxy(t *testing.T, hostIP, hostPort, to string) {
	t.Helper()
	at := program(t, "docker-proxy", "/usr/sbin/docker-proxy", "/usr/libexec/docker/docker-proxy")
	toIP, toPort, err := net.SplitHostPort(to)
	if err != nil {
		t.Fatal(err)
	}
	// Docker hands it a pipe as descriptor 3, on which it tells how its start went.
	tells, told, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	defer tells.Close()
	cmd := exec.Command(at, "-proto", "tcp", "-host-ip", hostIP, "-host-port", hostPort, "-container-ip", toIP, "-container-port", toPort)
	cmd.ExtraFiles = []*os.File{told}
	err = cmd.Start()
	told.Close()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Signal(os.Interrupt); _ = cmd.Wait() })
	if line, err := bufio.NewReader(tells).ReadString('\n'); line != "0\n" {
		t.Fatalf("docker-proxy does not start: %q, %v", line, err)
	}
}

// TestDockerProxyReachesNothing is T2 with docker-proxy in front, which passes bytes alone: what tells
// is the address that its callers name. One who names the endpoint itself is known by the header that
// they lack; one who has the replica's header needs no docker-proxy.
func TestDockerProxyReachesNothing(t *testing.T) {
	w := newWorld(t, worn(system)...)
	to := w.port(t)
	own := to[strings.LastIndexByte(to, ':')+1:]
	for name, c := range map[string]struct {
		ip, port, host string
		header         bool
		want           int
	}{
		"at another port":                                        {"127.0.0.1", "", "", true, 400},
		"at our port of another address":                         {"127.0.0.2", own, "", true, 400},
		"at another port of IPv6":                                {"::1", "", "", true, 400},
		"called by a name of its own":                            {"127.0.0.1", "", "app.example", true, 400},
		"called by localhost":                                    {"127.0.0.1", "", "localhost", true, 400},
		"called by our address, header absent":                   {"127.0.0.1", "", to, false, 401},
		"called by our name, header absent":                      {"127.0.0.1", "", "localhost:" + own, false, 401},
		"at our port of IPv6, which is our name, header absent":  {"::1", own, "", false, 401},
		"at our port of another address by ours, header absent":  {"127.0.0.3", own, to, false, 401},
		"at our port of another address by localhost, no header": {"127.0.0.4", own, "localhost:" + own, false, 401},
	} {
		t.Run(name, func(t *testing.T) {
			if c.port == "" {
				c.port = unused(t, 1)[0][len("127.0.0.1:"):]
			}
			dockerProxy(t, c.ip, c.port, to)
			by := way{address: net.JoinHostPort(c.ip, c.port), host: c.host, transport: &http.Transport{DisableKeepAlives: true}}
			w.along(t, by, c.header, c.want)
			w.along(t, by, false, c.want)
		})
	}
	if n := w.minted(); n > 0 {
		t.Errorf("%d tokens were minted", n)
	}
}
