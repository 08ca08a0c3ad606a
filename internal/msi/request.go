package msi

import (
	"net/http"
	"net/netip"
	"slices"
	"strings"

	"lanyard/internal/fault"
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
		return fault.New(fault.WrongMethod, "MethodNotAllowed", "The token endpoint answers GET only; Cloud Shell's protocol is not offered.").
			With("Allow", http.MethodGet)
	}
	for name := range r.Header {
		if relays(name) {
			return refuse("The token endpoint does not answer requests that carry %s: they came through a proxy or a browser.", name).
				Try("call IDENTITY_ENDPOINT from the app itself, and keep it out of HTTP_PROXY")
		}
	}
	if !d.known(r.Host) {
		return refuse("The token endpoint is not known under this host name.").
			Try("use IDENTITY_ENDPOINT exactly as it stands in the environment")
	}
	if r.ProtoMajor != 1 || r.ProtoMinor != 1 || r.URL.IsAbs() {
		return refuse("The token endpoint answers direct HTTP/1.1 requests only.")
	}
	return nil
}

// known reports whether a Host header names this endpoint (T3).
func (d *Door) known(given string) bool {
	if given == d.Address || slices.Contains(d.Names, given) {
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
