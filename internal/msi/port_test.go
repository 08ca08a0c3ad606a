package msi

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/edge"
	"lanyard/internal/secret"
)

// port puts a world's door behind the one port, as the platform does, and gives its address.
func (w *world) port(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return w.behind(t, ln)
}

// behind puts a world's door behind a port that is there, and gives its address.
func (w *world) behind(t *testing.T, ln net.Listener) string {
	t.Helper()
	box, err := secret.NewBox(nil)
	if err != nil {
		t.Fatal(err)
	}
	authority, err := edge.OpenAuthority(t.TempDir(), box, cloud.Azure, nil)
	if err != nil {
		t.Fatal(err)
	}
	w.door.Address = ln.Addr().String()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() {
		ended <- (&edge.Edge{Authority: authority, Profile: cloud.Azure, Plain: w.door.Handler()}).Serve(ctx, ln)
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
	})
	return w.door.Address
}

// wire writes a request as it is to a port and gives the answer with its body.
func wire(t *testing.T, address, request string) (*http.Response, string) {
	t.Helper()
	conn, err := net.Dial("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	fmt.Fprint(conn, request)
	method, _, _ := strings.Cut(request, " ")
	answer, err := http.ReadResponse(bufio.NewReader(conn), &http.Request{Method: method})
	if err != nil {
		t.Fatal(err)
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(answer.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer, string(body)
}

const query2019 = "?api-version=2019-08-01&resource=https://vault.azure.net"

// hostile are requests with everything that is needed but for one thing, as bytes: no client library
// stands between them and the port. {path}, {host} and {header} stand for what the replica was given, and
// {name} for the protocol's header.
func hostile(d dialect) map[string]string {
	const host, head, end = "Host: {host}\r\n", "{name}: {header}\r\n", "{more}Connection: close\r\n\r\n"
	get := func(target string) string {
		return "GET " + target + " HTTP/1.1\r\n" + host + head + end
	}
	with := func(line string) string {
		return "GET {path}{query} HTTP/1.1\r\n" + host + head + line + "\r\n" + end
	}
	instead := func(lines string) string {
		return "GET {path}{query} HTTP/1.1\r\n" + host + lines + end
	}
	on := func(name string) string {
		return "GET {path}{query} HTTP/1.1\r\nHost: " + name + "\r\n" + head + end
	}
	all := map[string]string{
		"T1: no header":                      instead(""),
		"T1: an empty header":                instead("{name}:\r\n"),
		"T1: its value in upper case":        instead("{name}: {HEADER}\r\n"),
		"T1: its value cut":                  instead("{name}: {header:8}\r\n"),
		"T1: its value quoted":               instead("{name}: \"{header}\"\r\n"),
		"T1: its value as a bearer":          instead("Authorization: Bearer {header}\r\n"),
		"T1: under the name of 2017":         instead("Secret: {header}\r\n"),
		"T1: under a name with underscores":  instead("{na_me}: {header}\r\n"),
		"T1: Metadata instead":               instead("Metadata: true\r\n"),
		"T1: duplicated":                     with("{name}: {header}"),
		"T1: duplicated, the second wrong":   with("{name}: x"),
		"T1: duplicated, in another case":    with("{NAME}: {header}"),
		"T1: duplicated in one line":         instead("{name}: {header}, {header}\r\n"),
		"T1: folded in its midst":            instead("{name}: {header:8}\r\n {header8:}\r\n"),
		"T1: folded before its value":        instead("{name}:\r\n {header}\r\n"),
		"T1: folded by a tab":                instead("{name}:\r\n\t{header}\r\n"),
		"T1: folded with bare line feeds":    instead("{name}:\n {header}\n"),
		"T1: another header folded":          with("Accept: a,\r\n b"),
		"T1: a space before the colon":       instead("{name} : {header}\r\n"),
		"T1: a null byte in it":              instead("{name}: {header}\x00\r\n"),
		"T1: in the query":                   "GET {path}{query}&{name}={header} HTTP/1.1\r\n" + host + end,
		"T1: in the path":                    "GET {path}/{header}{query} HTTP/1.1\r\n" + host + end,
		"T1: in a cookie":                    instead("Cookie: {name}={header}\r\n"),
		"T1: in a trailer":                   "GET {path}{query} HTTP/1.1\r\n" + host + "Transfer-Encoding: chunked\r\nTrailer: {name}\r\n" + "Connection: close\r\n\r\n0\r\n{name}: {header}\r\n\r\n",
		"T1: HTTP/1.0":                       "GET {path}{query} HTTP/1.0\r\n" + host + head + "\r\n",
		"T1: HTTP/0.9":                       "GET {path}{query}\r\n\r\n",
		"T1: HTTP/2 without TLS":             "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
		"T1: absolute form":                  get("http://{host}{path}{query}"),
		"T1: absolute form, another host":    get("http://attacker.test{path}{query}"),
		"T1: absolute form, https":           get("https://{host}{path}{query}"),
		"T1: no Host":                        "GET {path}{query} HTTP/1.1\r\n" + head + end,
		"T1: two Hosts":                      "GET {path}{query} HTTP/1.1\r\n" + host + host + head + end,
		"T1: a slash doubled in front":       get("/{path}{query}"),
		"T1: slashes doubled alone":          get("//"),
		"T1: //metadata":                     get("//metadata/identity/oauth2/token{query}"),
		"T1: the path of IMDS":               "GET /metadata/identity/oauth2/token?api-version=2018-02-01&resource=https://vault.azure.net HTTP/1.1\r\n" + host + "Metadata: true\r\n" + end,
		"T1: slashes doubled within":         get("{path//}{query}"),
		"T1: a slash doubled at the end":     get("{path}//{query}"),
		"T1: a dot segment":                  get("/./r/..{path}{query}"),
		"T1: an encoded dot segment":         get("/%2e{path}{query}"),
		"T1: an encoded dot segment, %2E":    get("/x/%2E%2E{path}{query}"),
		"T1: a letter encoded":               get("{path%}{query}"),
		"T1: a slash encoded":                get("{path%2f}{query}"),
		"T1: encoded twice":                  get("{path%252f}{query}"),
		"T1: a backslash":                    get("{path\\}{query}"),
		"T1: a semicolon":                    get("{path};x=1{query}"),
		"T1: a fragment":                     get("{path}%23{query}"),
		"T1: the path in upper case":         get("{PATH}{query}"),
		"T1: a scheme and nothing else":      get("a:"),
		"T1: a scheme without slashes":       get("http:{path}{query}"),
		"T1: a host alone":                   get("{host}"),
		"T1: an asterisk":                    "OPTIONS * HTTP/1.1\r\n" + host + head + end,
		"T1: a body that is too large":       "GET {path}{query} HTTP/1.1\r\n" + host + "Content-Length: 9999999\r\n" + end,
		"T1: two lengths":                    "GET {path}{query} HTTP/1.1\r\n" + host + head + "Content-Length: 0\r\nContent-Length: 1\r\n" + end,
		"T1: a line feed in the query":       get("{path}{query}%0d%0aX: y"),
		"T3: another host":                   on("attacker.test"),
		"T3: another host, the port":         on("attacker.test:{port}"),
		"T3: a name that begins with ours":   on("127.0.0.1.attacker.test:{port}"),
		"T3: a name that ends in ours":       on("attacker.test@127.0.0.1:{port}"),
		"T3: another port":                   on("127.0.0.1:1"),
		"T3: no port":                        on("127.0.0.1"),
		"T3: an empty host":                  on(""),
		"T3: our address in other digits":    on("2130706433:{port}"),
		"T3: our address in octal":           on("0177.0.0.1:{port}"),
		"T3: localhost with a dot":           on("localhost.:{port}"),
		"T3: a name below localhost":         on("attacker.localhost:{port}"),
		"T3: the port's own name for others": on("control.lanyard.localhost:{port}"),
		"T3: Origin":                         with("Origin: http://{host}"),
		"T3: Origin null":                    with("Origin: null"),
		"T3: Sec-Fetch-Site":                 with("Sec-Fetch-Site: same-origin"),
		"T3: Sec-Fetch-Site none":            with("Sec-Fetch-Site: none"),
		"T3: a preflight":                    "OPTIONS {path}{query} HTTP/1.1\r\n" + host + "Origin: http://attacker.test\r\nAccess-Control-Request-Method: GET\r\nAccess-Control-Request-Headers: x-identity-header\r\n" + end,
	}
	if d.header == "Metadata" {
		delete(all, "T1: Metadata instead")
	} else {
		all["T1: in Authorization"] = instead("Authorization: Basic {header}\r\n")
	}
	if d.protocol == appService2017 {
		delete(all, "T1: under the name of 2017")
		all["T1: under the name of 2019"] = instead("X-IDENTITY-HEADER: {header}\r\n")
		all["T1: under both names"] = with("X-IDENTITY-HEADER: {header}")
	}
	for _, method := range []string{"POST", "PUT", "HEAD", "OPTIONS", "DELETE", "PATCH", "TRACE", "PROPFIND", "get"} {
		all["T1: "+method] = method + " {path}{query} HTTP/1.1\r\n" + host + head + "Content-Length: 0\r\n" + end
	}
	return all
}

// relayHeaders are what proxies, balancers and firewalls add, and what their clients send.
var relayHeaders = []string{
	"X-Forwarded-For", "X-Forwarded-Host", "X-Forwarded-Proto", "X-Forwarded-Port", "X-Forwarded-Server", "X-Forwarded-Prefix",
	"X-Forwarded", "X-Original-Forwarded-For", "X-Original-URL", "X-Original-Host", "X-Rewrite-URL", "Forwarded", "Via", "X-Real-IP",
	"X-Client-IP", "Client-IP", "True-Client-IP", "CF-Connecting-IP", "Fastly-Client-IP", "X-Cluster-Client-IP", "X-Remote-IP",
	"X-Envoy-External-Address", "X-Envoy-Expected-Rq-Timeout-Ms", "X-Envoy-Internal", "X-Azure-ClientIP", "X-Azure-FDID", "X-ARR-SSL",
	"X-AppEngine-User-IP", "X-ProxyUser-IP", "X-Host", "X-Scheme", "CDN-Loop", "Max-Forwards", "Proxy-Connection", "Proxy-Authorization",
}

// fill puts what a replica was given into a request of 2019-08-01.
func (w *world) fill(request string) string { return dialects[0].fill(nil, w, request) }

// TestNothingButTheReplicasOwnRequestIsAnswered is T1, T2 and T3 at the one port: every answer is a
// refusal, leads nowhere, opens nothing to browsers, and nothing was signed for it.
func TestNothingButTheReplicasOwnRequestIsAnswered(t *testing.T) {
	speaking(t, worn(system), func(t *testing.T, w *world, d dialect) {
		address := w.port(t)
		cases := hostile(d)
		good := "GET {path}{query} HTTP/1.1\r\nHost: {host}\r\n{name}: {header}\r\n{more}"
		for _, name := range relayHeaders {
			for what, value := range map[string]string{"": "10.0.0.1", ", empty": "", ", in lower case": "1"} {
				line := name
				if what == ", in lower case" {
					line = strings.ToLower(name)
				}
				cases["T2: "+name+what] = good + line + ": " + value + "\r\nConnection: close\r\n\r\n"
			}
		}
		for name, request := range cases {
			t.Run(name, func(t *testing.T) {
				answer, body := wire(t, address, d.fill(t, w, request))
				if answer.StatusCode < 400 || answer.StatusCode > 499 {
					t.Errorf("the answer is %d %s", answer.StatusCode, body)
				}
				for header := range answer.Header {
					if header == "Location" || strings.HasPrefix(header, "Access-Control-") {
						t.Errorf("the answer has %s: %s", header, answer.Header.Get(header))
					}
				}
				if strings.Contains(body, "token-") || strings.Contains(body, w.replica.Header.Open()) || strings.Contains(body, w.replica.Way.Open()) {
					t.Errorf("the answer holds a secret: %s", body)
				}
			})
		}
		if n := w.minted(); n > 0 {
			t.Errorf("refusals minted %d tokens", n)
		}
		// The same request without any of this is answered, so that what was refused is what was wrong.
		if answer, body := wire(t, address, d.fill(t, w, good+"Connection: close\r\n\r\n")); answer.StatusCode != 200 || w.minted() != 1 {
			t.Errorf("the replica's own request is answered %d %s", answer.StatusCode, body)
		}
	})
}
