package trusted

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/entra"
	"lanyard/internal/fault"
)

// T25: what an issuer answers, and where it leads, is a stranger's.
func TestWhatAHostileIssuerAnswersIsRefused(t *testing.T) {
	a := open(t)
	private := httptest.NewTLSServer(http.NotFoundHandler())
	defer private.Close()
	discovery := func(members string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/keys" {
				a.answer(w, r)
				return
			}
			_, _ = fmt.Fprintf(w, members, a.URL)
		}
	}
	keys := func(set string) func(http.ResponseWriter, *http.Request) {
		return func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path != "/keys" {
				a.answer(w, r)
				return
			}
			_, _ = w.Write([]byte(set))
		}
	}
	small, err := rsa.GenerateKey(rand.Reader, 1024)
	if err != nil {
		t.Fatal(err)
	}
	for claim, test := range map[string]struct {
		publish func(http.ResponseWriter, *http.Request)
		says    string
	}{
		"a redirect": {func(w http.ResponseWriter, r *http.Request) {
			http.Redirect(w, r, "/again"+r.URL.Path, http.StatusFound)
		}, "redirects are not followed"},
		"a redirect of its keys": {func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Path == "/keys" {
				http.Redirect(w, r, "https://169.254.169.254/metadata", http.StatusPermanentRedirect)
				return
			}
			a.answer(w, r)
		}, "redirects are not followed"},
		"an error":                      {func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "did not answer with a document"},
		"another issuer":                {discovery(`{"issuer":"https://other.example","jwks_uri":"%s/keys"}`), "is of another issuer"},
		"its issuer with a slash":       {discovery(`{"issuer":"%[1]s/","jwks_uri":"%[1]s/keys"}`), "is of another issuer"},
		"its issuer in another member":  {discovery(`{"Issuer":"%[1]s","jwks_uri":"%[1]s/keys"}`), "is of another issuer"},
		"its issuer twice":              {discovery(`{"issuer":"x","issuer":"%[1]s","jwks_uri":"%[1]s/keys"}`), "cannot be read"},
		"no keys' address":              {discovery(`{"issuer":"%[1]s"}`), "must be at https URLs"},
		"keys in plain HTTP":            {discovery(`{"issuer":"%[1]s","jwks_uri":"http://127.0.0.1/keys"}`), "must be at https URLs"},
		"keys in a file":                {discovery(`{"issuer":"%[1]s","jwks_uri":"file:///etc/passwd"}`), "must be at https URLs"},
		"keys behind a password":        {discovery(`{"issuer":"%[1]s","jwks_uri":"https://a:b@127.0.0.1/keys"}`), "must be at https URLs"},
		"keys at a metadata server":     {discovery(`{"issuer":"%[1]s","jwks_uri":"https://169.254.169.254/keys"}`), "169.254.169.254, which is not an address of the public internet"},
		"keys at a private address":     {discovery(`{"issuer":"%[1]s","jwks_uri":"https://10.0.0.1/keys"}`), "10.0.0.1, which is not an address of the public internet"},
		"keys at a number":              {discovery(`{"issuer":"%[1]s","jwks_uri":"https://2130706433/keys"}`), "it could not be reached"},
		"keys at IPv6's metadata":       {discovery(`{"issuer":"%[1]s","jwks_uri":"https://[fd00:ec2::254]/keys"}`), "not an address of the public internet"},
		"keys at this world's names":    {discovery(`{"issuer":"%[1]s","jwks_uri":"https://login.microsoftonline.com/common/discovery/v2.0/keys"}`), "is a name of this world"},
		"no JSON":                       {discovery(`<html>%s</html>`), "cannot be read"},
		"a huge discovery document":     {func(w http.ResponseWriter, _ *http.Request) { flood(w) }, "larger than 1048576 bytes"},
		"a huge key set":                {func(w http.ResponseWriter, r *http.Request) { a.floodKeys(w, r) }, "larger than 1048576 bytes"},
		"a huge header":                 {func(w http.ResponseWriter, _ *http.Request) { w.Header().Set("X", strings.Repeat("x", 64<<10)) }, "could not be reached"},
		"no key set":                    {keys(`[]`), "holds no RSA key"},
		"an empty key set":              {keys(`{"keys":[]}`), "holds no RSA key"},
		"null":                          {keys(`{"keys":null}`), "holds no RSA key"},
		"a short key":                   {keys(string(keySet(small.PublicKey, "k1"))), "holds no RSA key"},
		"a secret":                      {keys(`{"keys":[{"kty":"oct","kid":"k1","k":"AAAA"}]}`), "holds no RSA key"},
		"a key to encrypt with":         {keys(strings.Replace(string(keySet(a.key.PublicKey, "k1")), `"sig"`, `"enc"`, 1)), "holds no RSA key"},
		"two keys of one id":            {keys(string(keySet(a.key.PublicKey, "k1", "k1"))), "holds no RSA key"},
		"a key without id":              {keys(string(keySet(a.key.PublicKey, ""))), "holds no RSA key"},
		"an even exponent":              {keys(strings.Replace(string(keySet(a.key.PublicKey, "k1")), `"AQAB"`, `"AQAA"`, 1)), "holds no RSA key"},
		"a certificate of another name": {discovery(`{"issuer":"%[1]s","jwks_uri":"` + strings.Replace(private.URL, "127.0.0.1", "localhost", 1) + `/keys"}`), "could not be reached"},
	} {
		t.Run(claim, func(t *testing.T) {
			a.say(test.publish)
			_, err := a.ask(&clock{}, loopback).Key(t.Context(), a.URL, "k1")
			if err == nil || !strings.Contains(sentence(err), test.says) {
				t.Errorf("it says %v", err)
			}
		})
	}
}

func flood(w http.ResponseWriter) {
	junk := []byte(strings.Repeat(" ", 64<<10))
	for range 1 << 14 { // 1 GiB
		if _, err := w.Write(junk); err != nil {
			return
		}
	}
}

func (a *abroad) floodKeys(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path != "/keys" {
		a.answer(w, r)
		return
	}
	flood(w)
}

func TestAnIssuerAtAPrivateAddressIsRefusedUnlessItIsNamed(t *testing.T) { // T25
	a := open(t)
	a.say(func(http.ResponseWriter, *http.Request) { t.Error("it was asked") })
	for _, issuer := range []string{a.URL, strings.Replace(a.URL, "127.0.0.1", "localhost", 1), "https://169.254.169.254", "https://[::1]", "https://[::ffff:10.0.0.1]", "https://192.168.1.1", "https://168.63.129.16", "https://oidc.lanyard.localhost/x/"} {
		_, err := a.ask(&clock{}).Key(t.Context(), issuer, "k1")
		var f *fault.Error
		if !errors.As(err, &f) || !strings.Contains(f.Public, "not an address of the public internet") || !strings.HasPrefix(f.Hint, "lanyard up --allow ") {
			t.Errorf("%s: %v", issuer, err)
		}
	}
}

// A name that leads to a public address when it is looked at and to a private one when it is dialled
// gains nothing: there is one look. That is edge's own test; here the address of the connection counts.
func TestTheConnectionGoesWhereDialSays(t *testing.T) {
	a := open(t)
	issuers := a.ask(&clock{}, loopback)
	dialled := ""
	issuers.Dial = func(ctx context.Context, address string) (net.Conn, error) {
		dialled = address
		return (&net.Dialer{}).DialContext(ctx, "tcp", a.Listener.Addr().String())
	}
	_, err := issuers.Key(t.Context(), "https://example.com", "k1")
	if dialled != "example.com:443" || err == nil || !strings.Contains(sentence(err), "of another issuer") {
		t.Errorf("dialled %q: %v", dialled, err)
	}
}

func TestThisWorldsOwnIssuersAreNotFetched(t *testing.T) {
	a := open(t)
	issuers := a.ask(&clock{})
	issuers.Dial = func(context.Context, string) (net.Conn, error) { t.Error("dialled"); return nil, errors.New("no") }
	issuers.Own = func(issuer string) (func(string) (*rsa.PublicKey, bool), bool) {
		return func(kid string) (*rsa.PublicKey, bool) { return &a.key.PublicKey, kid == "k1" }, issuer == "https://own.example/"
	}
	if _, err := issuers.Key(t.Context(), "https://own.example/", "k1"); err != nil {
		t.Error(err)
	}
	if _, err := issuers.Key(t.Context(), "https://own.example/", "k2"); !errors.Is(err, entra.ErrNoKey) {
		t.Error(err)
	}
}

// drip answers a request for a document a blank at a time, for ever.
func drip(ctx context.Context, c *tls.Conn) {
	defer func() { _ = c.Close() }()
	if _, err := http.ReadRequest(bufio.NewReader(c)); err != nil {
		return
	}
	hangsUp := make(chan struct{})
	go func() { defer close(hangsUp); _, _ = io.Copy(io.Discard, c) }()
	defer func() { _ = c.Close(); <-hangsUp }()
	for said := "HTTP/1.1 200 OK\r\n\r\n"; ctx.Err() == nil; said = " " {
		if _, err := c.Write([]byte(said)); err != nil {
			return
		}
		time.Sleep(time.Second)
	}
}

func TestASlowIssuerIsGivenUp(t *testing.T) { // T25
	a := open(t)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var hosts sync.WaitGroup
		issuers := a.ask(&clock{})
		issuers.Now = time.Now
		issuers.Dial = func(context.Context, string) (net.Conn, error) {
			near, far := net.Pipe()
			hosts.Go(func() { drip(ctx, tls.Server(far, &tls.Config{Certificates: a.TLS.Certificates})) })
			return near, nil
		}
		before := time.Now()
		_, err := issuers.Key(t.Context(), "https://example.com", "k1")
		if took := time.Since(before); err == nil || took != fetchTime || sentence(err) != "it could not be reached." {
			t.Errorf("after %s: %v", took, err)
		}
		cancel()
		hosts.Wait()
	})
}

// Whatever a host answers, its keys are at one https URL, and it speaks for the issuer that was meant.
func FuzzReadMetadata(f *testing.F) {
	for _, seed := range []string{`{"issuer":"https://i.example","jwks_uri":"https://i.example/keys"}`, `{"issuer":"https://i.example/"}`,
		`{"Issuer":"https://i.example"}`, `{"issuer":"x","issuer":"https://i.example"}`, `[]`, `null`, ``} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, document []byte) {
		const name = "https://i.example"
		where, err := readMetadata(document, name)
		if err == nil && !strings.Contains(string(document), "issuer") {
			t.Errorf("%q speaks for %s, with keys at %q", document, name, where)
		}
		dialled := ""
		issuers := &Issuers{Dial: func(_ context.Context, address string) (net.Conn, error) {
			dialled = address
			return nil, errors.New("no")
		}}
		client := &http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, _, address string) (net.Conn, error) { return issuers.Dial(ctx, address) }}}
		if _, err := issuers.load(t.Context(), client, where); err == nil || dialled != "" && !strings.HasPrefix(where, "https://") && !strings.HasPrefix(strings.ToLower(where), "https:") {
			t.Errorf("%q led to %q: %v", where, dialled, err)
		}
	})
}
