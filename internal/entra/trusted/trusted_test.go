package trusted

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
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
