package issuer

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/base64"
	"encoding/json"
	"math/big"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"go.uber.org/goleak"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/secret"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

const (
	tenant   cloud.TenantID = "1b7a4c1e-0000-4000-8000-000000000001"
	url                     = "https://sts.windows.net/" + string(tenant) + "/"
	audience                = "https://vault.azure.net"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// pool is drawn once: drawing keys is what takes the time in these tests.
var pool = sync.OnceValue(func() []*rsa.PrivateKey {
	keys := make([]*rsa.PrivateKey, 3)
	for n := range keys {
		key, err := rsa.GenerateKey(rand.Reader, keyBits)
		if err != nil {
			panic(err)
		}
		keys[n] = key
	}
	return keys
})

// pooled gives keys of the pool in turn.
func pooled() func() (*rsa.PrivateKey, error) {
	keys, n := pool(), 0
	return func() (*rsa.PrivateKey, error) {
		n++
		return keys[n%len(keys)], nil
	}
}

func box(t testing.TB) *secret.Box {
	t.Helper()
	b, err := secret.NewBox(rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// run starts an issuer and gives what ends it.
func run(t testing.TB, i *Issuer) (stop func()) {
	t.Helper()
	if i.Tenant == "" {
		i.Tenant, i.URL = tenant, url
	}
	if i.draw == nil {
		i.draw = pooled()
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- i.Run(ctx) }()
	if err := i.Ready(ctx); err != nil {
		t.Fatal(err)
	}
	return func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("Run ended with %v", err)
		}
	}
}

func application() cloud.Principal {
	return cloud.Principal{
		ID: "22222222-0000-4000-8000-000000000001", Client: "11111111-0000-4000-8000-000000000001",
		Tenant: tenant, Kind: cloud.Application, Name: "ci",
	}
}

func userAssigned() cloud.Principal {
	p := application()
	p.Kind = cloud.UserAssigned
	p.Resource = cloud.MustID("/subscriptions/S/resourceGroups/Shop/providers/Microsoft.ManagedIdentity/userAssignedIdentities/Billing")
	return p
}

func mint(t testing.TB, i *Issuer, o Order) Minted {
	t.Helper()
	if o.Audience == "" {
		o.Audience = audience
	}
	m, err := i.Mint(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// stranger verifies with another library and a key set that it fetches every 24 hours.
type stranger struct {
	keys    map[string]*rsa.PublicKey
	fetched time.Time
}

func (s *stranger) verify(i *Issuer, raw string) error {
	if time.Since(s.fetched) >= 24*time.Hour {
		s.fetch(i)
	}
	_, err := jwt.Parse(raw, func(given *jwt.Token) (any, error) {
		if key := s.keys[given.Header["kid"].(string)]; key != nil {
			return key, nil
		}
		return nil, jwt.ErrTokenUnverifiable
	}, jwt.WithValidMethods([]string{"RS256"}), jwt.WithIssuer(url), jwt.WithAudience(audience), jwt.WithExpirationRequired())
	return err
}

func (s *stranger) fetch(i *Issuer) {
	var set struct {
		Keys []struct{ Kid, N string }
	}
	if err := json.Unmarshal(i.KeySet(), &set); err != nil {
		panic(err)
	}
	s.keys, s.fetched = map[string]*rsa.PublicKey{}, time.Now()
	for _, k := range set.Keys {
		n, err := base64.RawURLEncoding.DecodeString(k.N)
		if err != nil {
			panic(err)
		}
		s.keys[k.Kid] = &rsa.PublicKey{N: new(big.Int).SetBytes(n), E: 65537}
	}
}

func TestAHundredRotationsBreakNoVerifier(t *testing.T) { // T15
	pool()
	synctest.Test(t, func(t *testing.T) {
		i := &Issuer{Store: mem.New(), Box: box(t), Schedule: Schedule{Period: 48 * time.Hour}}
		defer run(t, i)()
		var (
			outside stranger
			tokens  []Minted
			signers = map[string]bool{}
		)
		for len(signers) <= 100 {
			m := mint(t, i, Order{Principal: userAssigned()})
			signers[m.KeyID] = true
			tokens = append(tokens, m)
			for len(tokens) > 0 && !tokens[0].Expires.After(time.Now()) {
				tokens = tokens[1:]
			}
			for _, one := range tokens {
				if err := outside.verify(i, one.Token.Open()); err != nil {
					t.Fatalf("after %d keys a token of %s fails: %v", len(signers), one.Issued, err)
				}
			}
			if n := len(i.Keys()); n > 3 {
				t.Fatalf("%d keys are published", n)
			}
			time.Sleep(7 * time.Hour)
		}
	})
}

func TestARotationThatIsAskedForSignsAfterADay(t *testing.T) {
	pool()
	synctest.Test(t, func(t *testing.T) {
		i := &Issuer{Store: mem.New(), Box: box(t)}
		defer run(t, i)()
		first := mint(t, i, Order{Principal: application()}).KeyID
		for range 2 { // the second asks for what is under way
			if err := i.Rotate(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		keys := i.Keys()
		if len(keys) != 2 || keys[0].State != Current || keys[1].State != Next || !bytes.Contains(i.KeySet(), []byte(keys[1].ID)) {
			t.Fatalf("after asking for a rotation the keys are %+v", keys)
		}
		time.Sleep(24*time.Hour - time.Second)
		if got := mint(t, i, Order{Principal: application()}).KeyID; got != first {
			t.Error("the new key signed before its day had passed")
		}
		time.Sleep(time.Second)
		if got := mint(t, i, Order{Principal: application()}).KeyID; got != keys[1].ID {
			t.Error("the new key did not sign after its day")
		}
		time.Sleep(keep + 2*time.Hour)
		if _, there := i.Key(first); there {
			t.Error("the old key is still published when nothing it signed can live")
		}
	})
}

func TestAClockThatJumpsIsHealed(t *testing.T) { // T24
	pool()
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var shift time.Duration
		jump := func(to time.Duration) { mu.Lock(); shift = to; mu.Unlock() }
		i := &Issuer{Store: mem.New(), Box: box(t), Now: func() time.Time {
			mu.Lock()
			defer mu.Unlock()
			return time.Now().Add(shift)
		}}
		defer run(t, i)()
		first := i.Keys()[0].ID

		jump(-time.Hour)
		if _, err := i.Mint(t.Context(), Order{Principal: application(), Audience: audience}); !fault.Is(err, fault.Unavailable) {
			t.Errorf("with a key that has not begun Mint gives %v, want Unavailable", err)
		}
		synctest.Wait()
		if n := len(i.Keys()); n != 1 {
			t.Errorf("a clock set back made %d keys of one", n)
		}
		jump(0)
		mint(t, i, Order{Principal: application()})

		jump(2 * 365 * 24 * time.Hour)
		if _, err := i.Mint(t.Context(), Order{Principal: application(), Audience: audience}); !fault.Is(err, fault.Unavailable) {
			t.Errorf("with a key that has ended Mint gives %v, want Unavailable", err)
		}
		synctest.Wait()
		if got := mint(t, i, Order{Principal: application()}).KeyID; got == first {
			t.Error("the ended key signed")
		}
	})
}

func TestProcessesThatStartTogetherAgreeOnKeys(t *testing.T) {
	s, b := mem.New(), box(t)
	issuers := make([]*Issuer, 4)
	var started sync.WaitGroup
	stops := make([]func(), len(issuers))
	for n := range issuers {
		issuers[n] = &Issuer{Store: s, Box: b}
		started.Go(func() { stops[n] = run(t, issuers[n]) })
	}
	started.Wait()
	var asked sync.WaitGroup
	for _, i := range issuers {
		asked.Go(func() {
			if err := i.Rotate(t.Context()); err != nil {
				t.Error(err)
			}
		})
	}
	asked.Wait()
	entries, revision, err := s.List(t.Context(), cloud.KeysSigning)
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != 2 {
		t.Errorf("%d keys lie in the store, want the first and the next", len(entries))
	}
	for n, i := range issuers {
		if err := i.view.Await(t.Context(), revision); err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(i.KeySet(), issuers[0].KeySet()) {
			t.Errorf("process %d publishes other keys than the first", n)
		}
		if _, there := i.Key(mint(t, issuers[0], Order{Principal: application()}).KeyID); !there {
			t.Errorf("process %d does not know the key that the first signs with", n)
		}
	}
	for _, stop := range stops {
		stop()
	}
}

func TestKeysOutliveTheProcess(t *testing.T) {
	s, b := mem.New(), box(t)
	before := &Issuer{Store: s, Box: b}
	stop := run(t, before)
	kid := mint(t, before, Order{Principal: application()}).KeyID
	stop()
	after := &Issuer{Store: s, Box: b}
	defer run(t, after)()
	if got := mint(t, after, Order{Principal: application()}).KeyID; got != kid {
		t.Errorf("after a restart the key is %s, want %s", got, kid)
	}
}

func TestKeysLieSealedAndOpenNowhereElse(t *testing.T) { // T14
	s, b := mem.New(), box(t)
	i := &Issuer{Store: s, Box: b}
	defer run(t, i)()
	entries, _, err := s.List(t.Context(), cloud.KeysSigning)
	if err != nil || len(entries) != 1 {
		t.Fatalf("%d keys, %v", len(entries), err)
	}
	private := i.ring.Load().keys[0].key.Private
	for _, part := range [][]byte{private.D.Bytes(), private.Primes[0].Bytes(), []byte("private"), []byte("issuer")} {
		if bytes.Contains(entries[0].Value, part) {
			t.Error("the store holds part of a key in the clear")
		}
	}
	if k, _ := i.Key(i.Keys()[0].ID); k.Private != nil {
		t.Error("Key gives away the private half")
	}
	moved := store.Event{Key: storeKey(7), Value: entries[0].Value, Revision: 9}
	if _, err := i.open(moved); err == nil {
		t.Error("a key opened under another name than its own")
	}
}

func TestKeysThatCannotBeUsedEndRun(t *testing.T) {
	s, b := mem.New(), box(t)
	run(t, &Issuer{Store: s, Box: b})()
	for sentence, i := range map[string]*Issuer{
		"another master key": {Store: s, Box: box(t), Tenant: tenant, URL: url},
		"another issuer":     {Store: s, Box: b, Tenant: tenant, URL: "https://login.example/"},
	} {
		t.Run(sentence, func(t *testing.T) {
			err := i.Run(t.Context())
			if err == nil || !strings.Contains(err.Error(), "1 of 1 cannot be used") {
				t.Errorf("Run ended with %v", err)
			}
			if entries, _, _ := s.List(t.Context(), cloud.KeysSigning); len(entries) != 1 {
				t.Errorf("%d keys lie in the store, want the one that was there", len(entries))
			}
		})
	}
}

func TestABrokenDocumentLeavesTheLastGoodKey(t *testing.T) { // T21
	s, b := mem.New(), box(t)
	i := &Issuer{Store: s, Box: b}
	defer run(t, i)()
	for _, value := range []string{"", "null", "{}", strings.Repeat("x", 1<<16)} {
		revision, err := s.Commit(t.Context(), store.Change{Key: storeKey(1), Value: []byte(value), If: store.Any})
		if err != nil {
			t.Fatal(err)
		}
		if err := i.view.Await(t.Context(), revision); err != nil {
			t.Fatal(err)
		}
		if value != "" { // an empty value may delete
			mint(t, i, Order{Principal: application()})
		}
	}
}
