package trusted

import (
	"bufio"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/goleak"

	"lanyard/internal/cloud"
	"lanyard/internal/edge"
	"lanyard/internal/entra"
	"lanyard/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// abroad is an issuer on the loopback, whose answers a test can change.
type abroad struct {
	*httptest.Server
	asked   atomic.Int32 // for its discovery document
	key     *rsa.PrivateKey
	mu      sync.Mutex
	publish func(w http.ResponseWriter, r *http.Request) // nil means as it should be
}

func open(t testing.TB) *abroad {
	t.Helper()
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	a := &abroad{key: key}
	a.Server = httptest.NewTLSServer(a)
	t.Cleanup(a.Close)
	return a
}

func (a *abroad) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	a.mu.Lock()
	publish := a.publish
	a.mu.Unlock()
	if strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
		a.asked.Add(1)
	}
	if publish != nil {
		publish(w, r)
		return
	}
	a.answer(w, r)
}

// answer is what a sound issuer says.
func (a *abroad) answer(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/keys" {
		_, _ = w.Write(keySet(a.key.PublicKey, "k1"))
		return
	}
	issuer := a.URL + strings.TrimSuffix(r.URL.Path, "/.well-known/openid-configuration")
	if issuer != a.URL {
		issuer += "/"
	}
	_ = json.NewEncoder(w).Encode(map[string]any{"issuer": issuer, "jwks_uri": a.URL + "/keys"})
}

func (a *abroad) say(publish func(w http.ResponseWriter, r *http.Request)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.publish = publish
}

func keySet(key rsa.PublicKey, ids ...string) []byte {
	var keys []map[string]string
	for _, id := range ids {
		keys = append(keys, map[string]string{"kty": "RSA", "use": "sig", "kid": id,
			"n": base64.RawURLEncoding.EncodeToString(key.N.Bytes()), "e": base64.RawURLEncoding.EncodeToString(big.NewInt(int64(key.E)).Bytes())})
	}
	raw, err := json.Marshal(map[string]any{"keys": keys})
	if err != nil {
		panic(err)
	}
	return raw
}

// clock is a time that a test moves.
type clock struct{ by atomic.Int64 }

var begun = time.Now()

func (c *clock) now() time.Time       { return begun.Add(time.Duration(c.by.Load())) }
func (c *clock) wait(d time.Duration) { c.by.Add(int64(d)) }

// ask are issuers as the platform has them, which may lead to the loopback when allowed.
func (a *abroad) ask(c *clock, allow ...netip.Prefix) *Issuers {
	roots := a.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs
	return &Issuers{Dial: (&edge.Edge{Allow: allow}).Dial, Serves: cloud.Azure.Serves, Roots: roots, Now: c.now}
}

var loopback = netip.MustParsePrefix("127.0.0.0/8")

// sentence gives what a client is told of a refusal.
func sentence(err error) string {
	var f *fault.Error
	if errors.As(err, &f) {
		return f.Public
	}
	return fmt.Sprint(err)
}

func TestAnIssuersKeysAreFetchedOnceAndKept(t *testing.T) { // TK-14
	a, c := open(t), &clock{}
	issuers := a.ask(c, loopback)
	for range 3 {
		key, err := issuers.Key(t.Context(), a.URL+"/tenant/", "k1")
		if err != nil || !key.Equal(&a.key.PublicKey) {
			t.Fatalf("%v, %v", key, err)
		}
		c.wait(time.Minute)
	}
	if n := a.asked.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
	c.wait(time.Hour)
	if _, err := issuers.Key(t.Context(), a.URL+"/tenant/", "k1"); err != nil || a.asked.Load() != 2 {
		t.Errorf("after an hour: %v, asked %d times", err, a.asked.Load())
	}
}

func TestLastGoodKeysOutliveAnIssuerThatIsDown(t *testing.T) { // T25
	a, c := open(t), &clock{}
	issuers := a.ask(c, loopback)
	find := func() error { _, err := issuers.Key(t.Context(), a.URL, "k1"); return err }
	if err := find(); err != nil {
		t.Fatal(err)
	}
	a.say(func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusInternalServerError) })
	for c.wait(2 * time.Hour); c.now().Sub(begun) < lastGood; c.wait(4 * time.Hour) {
		if err := find(); err != nil {
			t.Errorf("after %s: %v", c.now().Sub(begun), err)
		}
	}
	if err := find(); err == nil || errors.Is(err, entra.ErrNoKey) {
		t.Errorf("after a day: %v", err)
	}
	a.say(nil)
	c.wait(pause)
	if err := find(); err != nil {
		t.Errorf("up again: %v", err)
	}
}

// Whoever has as many slow issuers asked as may be at once keeps nobody from an issuer that is known.
func TestLastGoodKeysServeWhileTooManyAreAsked(t *testing.T) { // T25
	a, c := open(t), &clock{}
	issuers := a.ask(c, loopback)
	find := func(kid string) error { _, err := issuers.Key(t.Context(), a.URL, kid); return err }
	if err := find("k1"); err != nil {
		t.Fatal(err)
	}
	for range maxBusy {
		issuers.begin()
	}
	c.wait(2 * fresh)
	if err := find("k1"); err != nil {
		t.Errorf("a known key: %v", err)
	}
	if err := find("k2"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("an unknown key: %v", err)
	}
	c.wait(lastGood)
	if err := find("k1"); !fault.Is(err, fault.Unavailable) {
		t.Errorf("a key of two days ago: %v", err)
	}
}

func TestASlowIssuerKeepsOneWaitingForAKnownKey(t *testing.T) { // T25
	a, c := open(t), &clock{}
	issuers := a.ask(c, loopback)
	find := func() error { _, err := issuers.Key(t.Context(), a.URL, "k1"); return err }
	if err := find(); err != nil {
		t.Fatal(err)
	}
	asked, answer := make(chan struct{}), make(chan struct{})
	a.say(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, "/.well-known/openid-configuration") {
			asked <- struct{}{}
			<-answer
		}
		a.answer(w, r)
	})
	c.wait(2 * fresh)
	first := make(chan error)
	go func() { first <- find() }()
	<-asked
	if err := find(); err != nil { // this would wait for ever
		t.Errorf("meanwhile: %v", err)
	}
	close(answer)
	if err := <-first; err != nil {
		t.Errorf("in the end: %v", err)
	}
}

// A stranger who invents key ids, or comes while an issuer is down, has it asked no oftener.
func TestStrangersDoNotHaveAnIssuerAskedOften(t *testing.T) { // T25
	a, c := open(t), &clock{}
	issuers := a.ask(c, loopback)
	for n := range 100 {
		if _, err := issuers.Key(t.Context(), a.URL, fmt.Sprint("invented-", n)); !errors.Is(err, entra.ErrNoKey) {
			t.Fatal(err)
		}
	}
	if n := a.asked.Load(); n != 1 {
		t.Errorf("invented key ids: asked %d times", n)
	}
	a.say(func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write(nil) })
	for range 100 {
		_, _ = issuers.Key(t.Context(), a.URL+"/down", "k1")
	}
	if n := a.asked.Load(); n != 2 {
		t.Errorf("down: asked %d times", n)
	}
	a.say(nil)
	c.wait(pause) // a key that is new is found after a while
	if _, err := issuers.Key(t.Context(), a.URL, "k1"); err != nil {
		t.Error(err)
	}
}

func TestManyWhoComeAtOnceAskOnce(t *testing.T) {
	a, c := open(t), &clock{}
	issuers := a.ask(c, loopback)
	var all sync.WaitGroup
	for range 50 {
		all.Go(func() {
			if _, err := issuers.Key(t.Context(), a.URL, "k1"); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	if n := a.asked.Load(); n != 1 {
		t.Errorf("it was asked %d times", n)
	}
}

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

func TestNoMoreIssuersAreRememberedThanABound(t *testing.T) {
	c := &clock{}
	issuers := &Issuers{Now: c.now, Dial: func(context.Context, string) (net.Conn, error) { return nil, errors.New("no") }}
	for n := range 2 * maxIssuers {
		c.wait(time.Millisecond)
		_, _ = issuers.Key(t.Context(), fmt.Sprintf("https://issuer-%d.example", n), "k1")
	}
	if len(issuers.known) > maxIssuers || issuers.known[fmt.Sprintf("https://issuer-%d.example", 2*maxIssuers-1)] == nil {
		t.Errorf("%d are remembered", len(issuers.known))
	}
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
