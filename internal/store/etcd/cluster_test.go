package etcd

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"log/slog"
	"math/big"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.etcd.io/etcd/client/pkg/v3/transport"
	"go.etcd.io/etcd/server/v3/embed"

	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func TestAnEndpointThatIsNotSafeIsRefused(t *testing.T) {
	mutual := &tls.Config{Certificates: []tls.Certificate{{}}}
	for name, c := range map[string]struct {
		endpoint string
		tls      *tls.Config
		says     string
	}{
		"without TLS":                              {"http://etcd.example:2379", nil, "needs https"},
		"without TLS although there is a set-up":   {"http://etcd.example:2379", mutual, "needs https"},
		"loopback without the TLS it was set up":   {"http://127.0.0.1:2379", mutual, "needs https"},
		"a name that only begins like loopback":    {"http://localhost.example:2379", nil, "needs https"},
		"TLS without an authority":                 {"https://etcd.example:2379", nil, "authority"},
		"TLS without a client certificate":         {"https://etcd.example:2379", &tls.Config{}, "client certificate"},
		"TLS that verifies nothing":                {"https://etcd.example:2379", &tls.Config{InsecureSkipVerify: true}, "must be verified"},
		"no scheme":                                {"etcd.example:2379", mutual, "https://host:port"},
		"a scheme for which etcd does without TLS": {"unix:///tmp/etcd", mutual, "https://host:port"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Open(t.Context(), Config{Endpoints: []string{c.endpoint}, TLS: c.tls})
			if err == nil || !strings.Contains(err.Error(), c.says) || !strings.Contains(err.Error(), c.endpoint) {
				t.Errorf("opening gave %v; want it to name %s and say %q", err, c.endpoint, c.says)
			}
		})
	}
}

func TestAStoreNeedsOnePlace(t *testing.T) {
	for name, c := range map[string]Config{
		"neither": {}, "both": {Dir: t.TempDir(), Endpoints: []string{"https://etcd.example:2379"}},
	} {
		if _, err := Open(t.Context(), c); err == nil {
			t.Errorf("%s of a folder and endpoints was accepted", name)
		}
	}
}

func TestTheClusteredStoreConforms(t *testing.T) {
	var endpoints sync.Map
	trust := newTrust(t)
	join := func(t *testing.T, endpoint string) store.Store {
		s, err := Open(t.Context(), Config{Endpoints: []string{endpoint}, TLS: trust.client})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		return s
	}
	storetest.Run(t, func(t *testing.T) store.Store {
		endpoint := serve(t, trust)
		s := join(t, endpoint)
		endpoints.Store(s, endpoint)
		return s
	}, storetest.Options{
		Compact: compact,
		Reopen: func(t *testing.T, s store.Store) store.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			endpoint, _ := endpoints.Load(s)
			return join(t, endpoint.(string))
		},
	})
}

func TestTwoProcessesOfOneClusterSeeEachOther(t *testing.T) {
	trust := newTrust(t)
	endpoint := serve(t, trust)
	var both [2]*Store
	for i := range both {
		s, err := Open(t.Context(), Config{Endpoints: []string{endpoint}, TLS: trust.client})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		both[i] = s
	}
	v := store.NewView(both[1], "/a/")
	ctx, stop := context.WithCancel(t.Context())
	var running sync.WaitGroup
	running.Go(func() { v.Run(ctx) })
	defer running.Wait()
	defer stop()
	large := make([]byte, 3*pieceSize)
	at := commit(t, both[0], store.Change{Key: "/a/1", Value: large})
	if err := v.Await(ctx, at); err != nil {
		t.Fatal(err)
	}
	if e, ok := v.Get("/a/1"); !ok || len(e.Value) != len(large) {
		t.Errorf("the other process sees %d bytes, %v", len(e.Value), ok)
	}
}

// trust is an authority with what it certified.
type trust struct {
	server transport.TLSInfo
	client *tls.Config
}

func newTrust(t *testing.T) trust {
	t.Helper()
	dir := t.TempDir()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	// One certificate is authority, server and client: what matters here is that both ends ask for it.
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "store"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
		IsCA: true, BasicConstraintsValid: true, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		KeyUsage:    x509.KeyUsageCertSign | x509.KeyUsageDigitalSignature,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	raw, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	certificate := filepath.Join(dir, "certificate.pem")
	private := filepath.Join(dir, "key.pem")
	writePEM(t, certificate, "CERTIFICATE", der)
	writePEM(t, private, "PRIVATE KEY", raw)
	authority, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(authority)
	return trust{
		server: transport.TLSInfo{CertFile: certificate, KeyFile: private, TrustedCAFile: certificate, ClientCertAuth: true},
		client: &tls.Config{RootCAs: roots, Certificates: []tls.Certificate{{Certificate: [][]byte{der}, PrivateKey: key}}},
	}
}

func writePEM(t *testing.T, path, kind string, der []byte) {
	t.Helper()
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
}

// serve runs somebody's etcd with its own defaults on a loopback port, and gives its URL.
func serve(t *testing.T, by trust) string {
	t.Helper()
	c := embed.NewConfig()
	c.Name, c.Dir = "theirs", t.TempDir()
	c.TickMs, c.ElectionMs = 10, 100
	c.UnsafeNoFsync = true
	c.ListenPeerUrls = nil
	c.AdvertisePeerUrls = []url.URL{{Scheme: "http", Host: "127.0.0.1:0"}}
	c.ListenClientUrls = []url.URL{{Scheme: "https", Host: "127.0.0.1:0"}}
	c.AdvertiseClientUrls = c.ListenClientUrls
	c.InitialCluster = c.InitialClusterFromName(c.Name)
	c.ClientTLSInfo = by.server
	c.ZapLoggerBuilder = embed.NewZapLoggerBuilder(bridge(slog.New(slog.DiscardHandler)))
	server, err := embed.StartEtcd(c)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(server.Close)
	<-server.Server.ReadyNotify()
	return "https://" + server.Clients[0].Addr().String()
}
