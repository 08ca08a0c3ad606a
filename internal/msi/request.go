package msi

import (
	"crypto/subtle"
	"net/http"
	"net/netip"
	"strings"

	"lanyard/internal/fault"
	"lanyard/internal/host"
	"lanyard/internal/httpkit"
)

// relays reports whether a header, in its canonical spelling, is one that only something between the
// replica and the endpoint adds (T2), or only a browser (T3). Node's own fetch sends Sec-Fetch-Mode,
// so that one is no sign.
func relays(name string) bool {
	switch name {
	case "Forwarded", "Via", "Max-Forwards", "Client-Ip", "True-Client-Ip", "Origin", "Sec-Fetch-Site", "Access-Control-Request-Method",
		"Cf-Connecting-Ip", "Fastly-Client-Ip", "Fly-Client-Ip", "Cdn-Loop", "Proxy-Authorization", "Proxy-Connection":
		return true
	}
	own, ok := strings.CutPrefix(name, "X-")
	if !ok {
		return false
	}
	switch own {
	case "Real-Ip", "Client-Ip", "Cluster-Client-Ip", "Remote-Ip", "Remote-Addr", "Host", "Scheme", "Proxyuser-Ip", "Url-Scheme":
		return true
	}
	for _, family := range [...]string{"Forwarded", "Original-", "Envoy-", "Rewrite-", "Azure-", "Arr-", "Appengine-", "Waws-"} {
		if strings.HasPrefix(own, family) {
			return true
		}
	}
	return false
}

// direct refuses what did not come from the replica itself over a plain request.
func (d *Door) direct(r *http.Request) error {
	if r.Method != http.MethodGet {
		return fault.New(fault.WrongMethod, "MethodNotAllowed", "The token endpoint answers GET only.").With("Allow", http.MethodGet)
	}
	for name := range r.Header {
		if relays(name) {
			return refuse("The token endpoint does not answer requests that carry %s: they came through a proxy or a browser.", name).
				Try("call IDENTITY_ENDPOINT from the app itself, and keep it out of HTTP_PROXY")
		}
	}
	if !d.serves(r.Host) {
		return refuse("The token endpoint is not known under this host name.").
			Try("use IDENTITY_ENDPOINT exactly as it stands in the environment")
	}
	if !r.ProtoAtLeast(1, 1) || r.URL.IsAbs() {
		return refuse("The token endpoint answers direct HTTP/1.1 requests only.")
	}
	return nil
}

// serves reports whether a Host header names this endpoint (T3).
func (d *Door) serves(given string) bool {
	if given == d.Address {
		return true
	}
	own, err := netip.ParseAddrPort(d.Address)
	if err != nil || !own.Addr().IsLoopback() {
		return false
	}
	port := d.Address[strings.LastIndexByte(d.Address, ':'):]
	name, ok := strings.CutSuffix(given, port)
	return ok && (name == "127.0.0.1" || name == "localhost" || name == "[::1]")
}

// caller gives the replica whose header the request carries. A replica that is not there and a
// wrong header are answered alike.
func (d *Door) caller(r *http.Request) (*host.Replica, error) {
	given := r.Header["X-Identity-Header"]
	replica, ok := d.Replica(r.PathValue("replica"))
	if ok {
		httpkit.Note(r.Context(), httpkit.KeyReplica, replica)
	}
	if !ok || !replica.Alive() || len(given) != 1 || !equal(given[0], replica.Header.Open()) {
		return nil, fault.New(fault.Unauthenticated, "Unauthorized", "The header X-IDENTITY-HEADER is missing or wrong.").
			Try("send the value of IDENTITY_HEADER as the running replica has it; it is new at each start")
	}
	return replica, nil
}

// equal compares in a time that tells nothing of where two texts differ. The buffers keep headers
// of any sane length off the heap.
func equal(a, b string) bool {
	var x, y [64]byte
	return subtle.ConstantTimeCompare(append(x[:0], a...), append(y[:0], b...)) == 1
}
