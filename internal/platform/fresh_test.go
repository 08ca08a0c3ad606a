package platform

import (
	"context"
	"crypto"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"fmt"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
	"lanyard/internal/issuer"
)

// busy runs a job on every core for a while and gives how often a second it was done.
func busy(b *testing.B, during time.Duration, job func() error) float64 {
	b.Helper()
	var done atomic.Int64
	var all sync.WaitGroup
	start := time.Now()
	for range runtime.GOMAXPROCS(0) {
		all.Go(func() {
			for time.Since(start) < during {
				if err := job(); err != nil {
					b.Error(err)
					return
				}
				done.Add(1)
			}
		})
	}
	all.Wait()
	return float64(done.Load()) / time.Since(start).Seconds()
}

// BenchmarkFreshToken sets minting, as the identity endpoint orders it, beside Go's bare RSA signature on
// all cores, in turns of a second.
//
//	go test -run '^$' -bench FreshToken -benchtime 10x ./internal/platform
func BenchmarkFreshToken(b *testing.B) {
	s := newStage(b)
	who, ok := s.directory.ByResource(s.app)
	if !ok {
		b.Fatal("the app has no identity")
	}
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		b.Fatal(err)
	}
	digest := sha256.Sum256([]byte("a token"))
	jobs := []func() error{
		func() error {
			_, err := rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, digest[:])
			return err
		},
		func() error {
			_, err := s.issuer.Mint(b.Context(), issuer.Order{Principal: who, Audience: "https://vault.azure.net", Host: s.app})
			return err
		},
	}
	var rates [2][]float64
	var ratios []float64
	for n := range b.N {
		var rate [2]float64
		for _, i := range []int{n % 2, 1 - n%2} {
			rate[i] = busy(b, time.Second, jobs[i])
			rates[i] = append(rates[i], rate[i])
		}
		ratios = append(ratios, rate[1]/rate[0])
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(median(rates[0]), "signatures/s")
	b.ReportMetric(median(rates[1]), "tokens/s")
	b.ReportMetric(median(ratios), "ratio")
}

// BenchmarkColdStart has 5,000 replicas, each of an app of its own, ask for three audiences at once, each
// twice: every token is minted and recorded once.
//
//	go test -run '^$' -bench ColdStart -benchtime 1x ./internal/platform
func BenchmarkColdStart(b *testing.B) {
	const count = 5000
	audiences := []string{"https://vault.azure.net", "https://storage.azure.com", "https://management.azure.com"}
	for b.Loop() {
		b.StopTimer()
		s := newStage(b)
		replicas := make([]*host.Replica, count)
		for i := range replicas {
			replicas[i] = s.replica(b, s.newApp(b, fmt.Sprintf("app%d", i)))
		}
		door := s.msiDoor()
		var mints atomic.Int64
		record := door.Record
		door.Record = func(ctx context.Context, in cloud.SignIn) error { mints.Add(1); return record(ctx, in) }
		handler := door.Handler()
		var before, after runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&before)
		b.StartTimer()
		began := time.Now()
		var all sync.WaitGroup
		for _, r := range replicas {
			for i := range 2 * len(audiences) {
				all.Go(func() {
					q := httptest.NewRequest("GET", "/r/"+r.Name+"/msi/token?api-version=2019-08-01&resource="+audiences[i%3], nil)
					q.Host = s.Address()
					q.Header.Set("X-IDENTITY-HEADER", r.Header.Open())
					w := httptest.NewRecorder()
					if handler.ServeHTTP(w, q); w.Code != http.StatusOK {
						b.Errorf("a cold call is answered %d %s", w.Code, w.Body)
					}
				})
			}
		}
		all.Wait()
		took := time.Since(began)
		b.StopTimer()
		runtime.GC()
		runtime.ReadMemStats(&after)
		if n := mints.Load(); n != count*int64(len(audiences)) {
			b.Errorf("%d tokens were minted", n)
		}
		b.ReportMetric(float64(count*len(audiences))/took.Seconds(), "tokens/s")
		b.ReportMetric(float64(after.HeapAlloc-before.HeapAlloc)/float64(count*len(audiences)), "B/token")
		b.StartTimer()
	}
}
