package edge

import (
	"net/http"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

const established = "HTTP/1.1 200 Connection established\r\n\r\n"

// connect answers CONNECT (RFC 9110 section 9.3.6): names that are served here end here, and a
// tunnel leads to the rest of the public internet. Only prepared callers get either.
func (s *session) connect(w http.ResponseWriter, r *http.Request) error {
	user, err := s.admit(r)
	if err != nil {
		return err
	}
	httpkit.Note(r.Context(), httpkit.KeyCaller, user)
	if r.ContentLength != 0 { // readers disagree about where such a request ends
		return fault.New(fault.Invalid, codeDestination, "CONNECT has no content (RFC 9110 section 9.3.6).")
	}
	d, err := parseDestination(r.RequestURI)
	if err != nil {
		return err
	}
	switch {
	case isLocalName(d.host), s.Profile.Serves(d.host) && d.port == 443:
		return s.arrive(w, user)
	case s.Profile.Serves(d.host):
		return fault.New(fault.Forbidden, codeRefused, "Lanyard answers for %s, and on port 443 alone.", d.host)
	}
	far, err := s.reach(r.Context(), d)
	if err != nil {
		return err
	}
	near, err := hijack(w)
	if err != nil {
		_ = far.Close()
		return err
	}
	near.unhurry()
	s.tunnel.join(r.Context(), near, far)
	return nil
}

// admit checks the credential that prepared environments carry in HTTPS_PROXY (RFC 7617).
func (s *session) admit(r *http.Request) (user string, err error) {
	given := r.Header["Proxy-Authorization"]
	basic := http.Request{Header: http.Header{"Authorization": given}}
	user, password, ok := basic.BasicAuth()
	if !ok || len(given) != 1 || s.Admit == nil || !s.Admit(user, password) {
		return "", fault.New(fault.Unauthenticated, codeCredential,
			"This proxy serves the environments that Lanyard prepared, by the credential in their HTTPS_PROXY.").
			Try("lanyard run -- <command>").
			With("Proxy-Authenticate", `Basic realm="lanyard", charset="UTF-8"`)
	}
	return user, nil
}

// arrive lets the tunnel end at the port's own HTTPS server.
func (s *session) arrive(w http.ResponseWriter, user string) error {
	c, err := hijack(w)
	if err != nil {
		return err
	}
	c.user = user
	s.secure.push(c)
	return nil
}

// hijack takes the connection over and tells the client that its tunnel stands. Bytes that the
// client sent ahead of that are put back.
func hijack(w http.ResponseWriter) (*conn, error) {
	nc, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return nil, err
	}
	c := beneath(nc)
	c.plain = false
	if n := buffered.Reader.Buffered(); n > 0 {
		early, _ := buffered.Reader.Peek(n)
		c.unread(early)
	}
	_ = c.SetDeadline(noDeadline)
	if _, err := c.Write([]byte(established)); err != nil {
		_ = c.Close()
		return nil, err
	}
	return c, nil
}
