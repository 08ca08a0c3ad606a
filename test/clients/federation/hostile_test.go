package federation

import (
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/tls"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

// T25: an issuer may be anybody's host, and may answer anything.
func TestHostileIssuersAreRefused(t *testing.T) {
	s := open(t)
	key := drawKey(t, t.TempDir()+"/key.pem")
	certificate, err := tls.LoadX509KeyPair(s.abroad.certificate, s.abroad.private)
	if err != nil {
		t.Fatal(err)
	}
	var inner atomic.Int32 // requests that a redirect led to
	var base string
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		first := strings.Split(r.URL.Path, "/")[1]
		document := fmt.Sprintf(`{"issuer":"%[1]s/%[2]s","jwks_uri":"%[1]s/%[2]s/keys"}`, base, first)
		switch keys := strings.HasSuffix(r.URL.Path, "/keys"); {
		case first == "inner":
			inner.Add(1)
		case first == "chain":
			http.Redirect(w, r, "/inner", http.StatusFound)
		case first == "huge", first == "huge-keys" && keys:
			for range 1 << 10 { // 1 GiB
				if _, err := w.Write(make([]byte, 1<<20)); err != nil {
					return
				}
			}
		case first == "drip":
			for {
				_, _ = w.Write([]byte(" "))
				w.(http.Flusher).Flush()
				select {
				case <-r.Context().Done():
					return
				case <-time.After(100 * time.Millisecond):
				}
			}
		case first == "other":
			_, _ = fmt.Fprintf(w, `{"issuer":%q,"jwks_uri":"%s/keys"}`, s.abroad.issuer, s.abroad.issuer)
		case first == "inward":
			_, _ = fmt.Fprintf(w, `{"issuer":"%s/inward","jwks_uri":"https://169.254.169.254/keys"}`, base)
		default:
			_, _ = w.Write([]byte(document))
		}
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.StartTLS()
	defer server.Close()
	base = server.URL

	wants := map[string]string{
		base + "/chain":           "redirects are not followed",
		base + "/huge":            "larger than 1048576 bytes",
		base + "/huge-keys":       "larger than 1048576 bytes",
		base + "/drip":            "could not be reached",
		base + "/other":           "is of another issuer",
		base + "/inward":          "169.254.169.254, which is not an address of the public internet",
		"https://169.254.169.254": "lanyard up --allow 169.254.169.254/32",
		"https://10.0.0.1":        "not an address of the public internet",
		"https://[::1]":           "not an address of the public internet",
	}
	tokens, said, n := map[string]string{}, map[string]string{}, 0
	for issuer, want := range wants {
		n++
		name := fmt.Sprintf("hostile-%d", n)
		s.trust(name, issuer, "anybody")
		tokens[name], said[name] = signed(t, key, issuer), want
	}
	began := time.Now()
	for name, got := range s.read(tokens) {
		if !strings.Contains(got, "AADSTS50166") || !strings.Contains(got, said[name]) {
			t.Errorf("%s: %s, and not %s", name, got, said[name])
		}
	}
	if took := time.Since(began); took > time.Minute {
		t.Errorf("it took %s", took)
	}
	if inner.Load() != 0 {
		t.Error("a redirect was followed")
	}
	o := s.Command("identity", "federated-credential", "create", "-n", "plain", "--identity-name", "pipeline", "-g", "fed", "--issuer", "http://169.254.169.254", "--subject", "x")
	if text, err := o.CombinedOutput(); err == nil || !strings.Contains(string(text), "https URL") {
		t.Errorf("plain HTTP: %v %s", err, text)
	}
}

// signed is a token as a provider would make it that has only itself to trust.
func signed(t *testing.T, key *rsa.PrivateKey, issuer string) string {
	t.Helper()
	now := time.Now()
	text := base64.RawURLEncoding.EncodeToString
	input := text([]byte(`{"alg":"RS256","kid":"k1"}`)) + "." + text(fmt.Appendf(nil, `{"iss":%q,"sub":"anybody","aud":%q,"iat":%d,"exp":%d}`,
		issuer, exchange, now.Unix(), now.Add(time.Hour).Unix()))
	sum := sha256.Sum256([]byte(input))
	signature, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
	if err != nil {
		t.Fatal(err)
	}
	return input + "." + text(signature)
}
