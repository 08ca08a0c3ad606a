// Command scan is a stranger in a container: it looks for ports that are open and asks each for a
// token in every way it knows. It prints a line of JSON for every answer.
//
// It must not know what answers.
package main

import (
	"bufio"
	"context"
	"crypto/tls"
	"encoding/binary"
	"encoding/hex"
	"encoding/json"
	"flag"
	"io"
	"net"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// question is one way to ask for a token.
type question struct {
	method, path, body string
	host               string // "" is the address
	headers            []string
}

const resource = "resource=https://vault.azure.net"

// questions are those of every kind of host that gives apps an identity. The replica is named, as the
// worst case: a name is no secret.
func questions(replica, header string) []question {
	metadata := []string{"Metadata", "true"}
	form := []string{"Content-Type", "application/x-www-form-urlencoded"}
	all := []question{
		{method: "GET", path: "/metadata/identity/oauth2/token?api-version=2018-02-01&" + resource, headers: metadata},
		{method: "GET", path: "/metadata/identity/oauth2/token?api-version=2018-02-01&" + resource, headers: metadata, host: "169.254.169.254"},
		{method: "GET", path: "/metadata/identity/oauth2/token?api-version=2020-06-01&" + resource, headers: metadata, host: "localhost:40342"},
		{method: "GET", path: "/metadata/identity/oauth2/token?api-version=2019-07-01-preview&" + resource},
		{method: "GET", path: "/oauth2/token?api-version=2018-02-01&" + resource, headers: metadata},
		{method: "POST", path: "/oauth2/token", body: resource, headers: append(metadata, form...)},
		{method: "POST", path: "/common/oauth2/v2.0/token", host: "login.microsoftonline.com", headers: form,
			body: "grant_type=client_credentials&scope=https://vault.azure.net/.default&client_id=04b07795-8ddb-461a-bbee-02f9e1bf7b46"},
	}
	for _, at := range []string{"/msi/token", "/r/x/msi/token", "/r/" + replica + "/msi/token", "/r/" + replica + "/msi/token/"} {
		for _, headers := range [][]string{nil, metadata, {"X-IDENTITY-HEADER", ""}, {"X-IDENTITY-HEADER", replica}, {"Secret", ""}, {"Secret", replica}} {
			for _, version := range []string{"2019-08-01", "2017-09-01"} {
				all = append(all, question{method: "GET", path: at + "?api-version=" + version + "&" + resource, headers: headers})
			}
		}
	}
	if header != "" {
		all = append(all, question{method: "GET", path: "/r/" + replica + "/msi/token?api-version=2019-08-01&" + resource, headers: []string{"X-IDENTITY-HEADER", header}})
	}
	return all
}

// addresses are this container's own and its gateway's: all that is near.
func addresses() (all []string) {
	own, _ := net.InterfaceAddrs()
	for _, a := range own {
		if ip, err := netip.ParsePrefix(a.String()); err == nil && !ip.Addr().IsLinkLocalUnicast() {
			all = append(all, ip.Addr().String())
		}
	}
	routes, _ := os.ReadFile("/proc/net/route")
	for line := range strings.Lines(string(routes)) {
		f := strings.Fields(line) // interface, destination, gateway, in the machine's byte order
		if len(f) > 2 && f[1] == "00000000" {
			if raw, err := hex.DecodeString(f[2]); err == nil && len(raw) == 4 {
				var ip [4]byte
				binary.NativeEndian.PutUint32(ip[:], binary.BigEndian.Uint32(raw))
				all = append(all, netip.AddrFrom4(ip).String())
			}
		}
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// open gives the ports of an address that take a connection.
func open(address string) (ports []string) {
	var mu sync.Mutex
	var workers sync.WaitGroup
	next := make(chan int)
	for range 64 {
		workers.Go(func() {
			for port := range next {
				at := net.JoinHostPort(address, strconv.Itoa(port))
				conn, err := net.DialTimeout("tcp", at, 5*time.Second)
				if err != nil {
					continue
				}
				conn.Close()
				mu.Lock()
				ports = append(ports, at)
				mu.Unlock()
			}
		})
	}
	for port := 1; port < 1<<16; port++ {
		next <- port
	}
	close(next)
	workers.Wait()
	return ports
}

// Answer is what an open port said.
type Answer struct {
	At, Asked, Body string
	Status          int
}

func ask(at, scheme string, q question) Answer {
	a := Answer{At: at, Asked: scheme + " " + q.method + " " + q.path + " " + strings.Join(q.headers, ":")}
	host := q.host
	if host == "" {
		host = at
	}
	name, _, err := net.SplitHostPort(host)
	if err != nil {
		name = host
	}
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true,
		TLSClientConfig: &tls.Config{InsecureSkipVerify: true, ServerName: name},
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return new(net.Dialer).DialContext(ctx, network, at)
		}}}
	r, err := http.NewRequest(q.method, scheme+"://"+host+q.path, strings.NewReader(q.body))
	if err != nil {
		a.Body = err.Error()
		return a
	}
	for i := 0; i+1 < len(q.headers); i += 2 {
		r.Header.Set(q.headers[i], q.headers[i+1])
	}
	answer, err := client.Do(r)
	if err != nil {
		a.Body = err.Error()
		return a
	}
	defer answer.Body.Close()
	text, _ := io.ReadAll(io.LimitReader(answer.Body, 1<<20))
	a.Status, a.Body = answer.StatusCode, string(text)
	return a
}

func main() {
	replica := flag.String("replica", "x", "the name of a replica")
	header := flag.String("header", "", "its header, of one who knows it")
	only := flag.String("only", "", "the one open port to ask, without a scan")
	flag.Parse()
	out := bufio.NewWriter(os.Stdout)
	defer out.Flush()
	write := json.NewEncoder(out)
	every := func(at string) {
		for _, scheme := range []string{"http", "https"} {
			for _, q := range questions(*replica, *header) {
				_ = write.Encode(ask(at, scheme, q))
			}
		}
	}
	if *only != "" {
		every(*only)
		return
	}
	for _, address := range addresses() {
		_ = write.Encode(Answer{Asked: "who is at " + address})
		for _, at := range open(address) {
			every(at)
		}
	}
}
