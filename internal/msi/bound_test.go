package msi

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"runtime"
	"sync"
	"syscall"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
)

// TestTenThousandAudiences is T20: one replica asks for that many; few are signed, the others are told when
// to come again, and what is kept of them is bounded.
func TestTenThousandAudiences(t *testing.T) {
	speaking(t, worn(system), func(t *testing.T, w *world, d dialect) {
		if d.protocol.keyed {
			d.protocol = &protocol{name: d.protocol.name, header: d.protocol.header}
		}
		handler := w.door.Handler()
		before := heap()
		given := 0
		for i := range 10_000 {
			r := httptest.NewRequest("GET", d.path(w)+"?api-version="+d.version+fmt.Sprintf("&resource=https://account%d.blob.core.windows.net", i), nil)
			r.Host = w.door.Address
			r.Header.Set(d.header, d.value(w))
			if d.version == arc.versions[0] {
				r.Header.Set("Authorization", "Basic "+w.key(t))
			}
			rec := httptest.NewRecorder()
			switch handler.ServeHTTP(rec, r); {
			case rec.Code == http.StatusOK:
				given++
			case rec.Code != http.StatusTooManyRequests || rec.Header().Get("Retry-After") == "":
				t.Fatalf("audience %d is answered %d %s", i, rec.Code, rec.Body)
			}
		}
		if given != maxResources || w.minted() != maxResources || w.door.cache.total != maxResources {
			t.Errorf("%d are given, %d minted, %d kept", given, w.minted(), w.door.cache.total)
		}
		if grown := heap() - before; grown > 4<<20 {
			t.Errorf("10,000 audiences cost %d bytes", grown)
		}
		runtime.KeepAlive(w)
	})
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// TestTokensOfAllAppsAreBounded lets any token give way, and one that is asked for again is minted again.
func TestTokensOfAllAppsAreBounded(t *testing.T) {
	w := newWorld(t, worn(system)...)
	s, first := &w.door.cache, &call{}
	for app := range maxEntries/maxResources + 10 {
		r := &host.Replica{App: cloud.MustID(fmt.Sprintf("/subscriptions/s/resourceGroups/rg/providers/Microsoft.App/containerApps/app%d", app))}
		var all sync.WaitGroup
		for i := range maxResources {
			c := &call{replica: r, who: system, protocol: appService2019, ask: ask{resource: fmt.Sprintf("https://account%d.blob.core.windows.net", i)}}
			if app == 0 && i == 0 {
				first = c
			}
			e, err := s.begin(t.Context(), w.door, c, nil)
			if err != nil {
				t.Fatal(err)
			}
			all.Go(func() { <-e.done })
		}
		all.Wait()
	}
	kept := 0
	for _, ac := range s.all {
		kept += len(ac.entries)
	}
	if kept != maxEntries || s.total != maxEntries {
		t.Errorf("%d tokens are kept, and counted as %d", kept, s.total)
	}
	e, err := s.begin(t.Context(), w.door, first, nil)
	if err != nil {
		t.Fatal(err)
	}
	if <-e.done; e.err != nil || e.id == "" {
		t.Errorf("the first app gets %v", e.err)
	}
	w.set(func() { w.now = w.now.Add(25 * time.Hour) })
	if _, err := s.begin(t.Context(), w.door, first, nil); err != nil || s.total != 1 {
		t.Errorf("after a day %d tokens are kept, %v", s.total, err)
	}
}

// TestNoMoreAreSignedAtOnceThanThereAreCores keeps many cold calls from holding each other up.
func TestNoMoreAreSignedAtOnceThanThereAreCores(t *testing.T) {
	w := newWorld(t, worn(system)...)
	w.set(func() { w.gate = make(chan struct{}) })
	var all sync.WaitGroup
	for i := range 20 {
		r := w.ask(t, "")
		r.URL.RawQuery = fmt.Sprintf("api-version=2019-08-01&resource=https://account%d.blob.core.windows.net", i)
		all.Go(func() {
			if status, body := w.send(t, r); status != http.StatusOK {
				t.Errorf("a cold call is answered %d %s", status, body)
			}
		})
	}
	for range 20 {
		w.gate <- struct{}{}
		w.set(func() {
			if w.minting > runtime.GOMAXPROCS(0) {
				t.Errorf("%d are signed at once", w.minting)
			}
		})
	}
	all.Wait()
}

// TestFiveThousandIdleSockets is T20 at the one port: half of them say nothing, half begin a request and let
// it trickle; replicas are answered among them, and what they cost is bounded.
func TestFiveThousandIdleSockets(t *testing.T) {
	w := newWorld(t, worn(system)...)
	address := w.port(t)
	before := runtime.NumGoroutine()
	const sockets = 5000
	for i := range sockets {
		conn, err := net.Dial("tcp", address)
		if errors.Is(err, syscall.EMFILE) {
			lacks(t, "this machine allows only %d open sockets", i)
		}
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		if i%2 == 0 {
			fmt.Fprint(conn, w.fill("GET {path}"+query2019+" HTTP/1.1\r\nHost: {host}\r\nX-IDEN")) // it may have been closed by now
		}
		if i%500 != 0 {
			continue
		}
		if answer, body := wire(t, address, w.fill("GET {path}"+query2019+" HTTP/1.1\r\nHost: {host}\r\nX-IDENTITY-HEADER: {header}\r\nConnection: close\r\n\r\n")); answer.StatusCode != 200 {
			t.Fatalf("among %d sockets the replica is answered %d %s", i, answer.StatusCode, body)
		}
	}
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for wait := 0; runtime.NumGoroutine()-before > 1100; wait++ { // 512 that wait, with a reader each, and some that end
		if <-tick.C; wait > 1000 {
			t.Fatalf("%d sockets cost %d goroutines", sockets, runtime.NumGoroutine()-before)
		}
	}
}
