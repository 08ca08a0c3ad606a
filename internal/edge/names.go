package edge

import (
	"errors"
	"net/http"
	"net/netip"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// NameFor gives the local name of a service: hello-kv.vault.azure.net.lanyard.localhost for
// hello-kv.vault.azure.net. cloud.Profile.Public is its inverse.
func NameFor(public string) string { return strings.ToLower(public) + "." + cloud.LocalDomain }

var errForeignName = errors.New("name is not served here")

// answers reports whether a host name, in lower case, is one that a service here can have.
func answers(p cloud.Profile, host string) bool {
	return isName(host) && (isLocalName(host) || p.Serves(host))
}

func isLocalName(host string) bool {
	return host == cloud.LocalDomain || hasDomain(host, cloud.LocalDomain)
}

func hasDomain(host, domain string) bool { return strings.HasSuffix(host, "."+domain) }

// isPort reports whether a host stands for this port itself rather than for a service on it:
// no name, localhost, or an address.
func isPort(host string) bool {
	if host == "" || host == "localhost" {
		return true
	}
	_, err := netip.ParseAddr(host)
	return err == nil
}

// isName reports whether s is a host name in lower case (RFC 1123 section 2.1).
func isName(s string) bool {
	if len(s) == 0 || len(s) > 253 {
		return false
	}
	for label := range strings.SplitSeq(s, ".") {
		if len(label) == 0 || len(label) > 63 || label[0] == '-' || label[len(label)-1] == '-' {
			return false
		}
		for i := 0; i < len(label); i++ {
			if c := label[i]; (c < 'a' || c > 'z') && (c < '0' || c > '9') && c != '-' {
				return false
			}
		}
	}
	return true
}

// named guards the services: the Host that is asked for must be one that lives here, and the one
// that the connection was opened for. Otherwise a connection to one name would be a way to
// another that the client never verified.
func (s *session) named(next http.Handler) http.Handler {
	refuse := s.door(func(_ http.ResponseWriter, r *http.Request) error {
		if r.Method == http.MethodConnect {
			return fault.New(fault.WrongMethod, codeNotProxied, "The proxy is spoken to in plain HTTP on this port, not over TLS.")
		}
		return fault.New(fault.Invalid, codeMisdirected, "The host %q is not served on a connection for %q.", r.Host, r.TLS.ServerName)
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host, opened := cloud.HostName(r.Host), cloud.HostName(r.TLS.ServerName)
		here := answers(s.Profile, host) || isPort(host)
		same := isPort(opened) || s.Profile.Public(opened) == s.Profile.Public(host)
		if r.Method == http.MethodConnect || !here || !same {
			refuse.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// unnamed sorts plain HTTP: CONNECT is the proxy, origin form is the identity endpoint, and
// absolute form (RFC 9112 section 3.2.2) is a proxy request that no prepared environment makes.
// Folded headers are refused where they could carry an identity header (T1).
func (s *session) unnamed(next http.Handler) http.Handler {
	connect := s.door(s.connect)
	refuse := s.door(func(_ http.ResponseWriter, r *http.Request) error {
		return fault.New(fault.Invalid, codeNotProxied,
			"Plain HTTP is not proxied here: only CONNECT is, for HTTPS.").Try("unset HTTP_PROXY http_proxy")
	})
	unfold := s.door(func(_ http.ResponseWriter, r *http.Request) error {
		return fault.New(fault.Invalid, codeFolded, "A header of the request goes on in the next line (RFC 9112 section 5.2).").With("Connection", "close")
	})
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		k, _ := r.Context().Value(connKey{}).(*conn)
		folded := k != nil && k.foldedNow()
		if r.ContentLength != 0 {
			// Where the next request begins only net/http could tell, which does not.
			w.Header().Set("Connection", "close")
		}
		switch {
		case r.Method == http.MethodConnect:
			connect.ServeHTTP(w, r)
		case r.URL.Host != "" || r.URL.Scheme != "":
			refuse.ServeHTTP(w, r)
		case folded:
			unfold.ServeHTTP(w, r)
		default:
			next.ServeHTTP(w, r)
		}
	})
}

func (s *session) door(h httpkit.Handler) http.Handler {
	return httpkit.Door{Name: "edge", Speak: Speak, Log: s.log()}.Serve(h)
}
