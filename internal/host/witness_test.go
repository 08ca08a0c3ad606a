package host_test

import (
	"context"
	"errors"
	"net/netip"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
	"lanyard/internal/host/hosttest"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// line is the connection of the process with a number: its port says which.
func line(pid int) *httpkit.Connection {
	return &httpkit.Connection{Remote: netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(pid)), Local: netip.MustParseAddrPort("127.0.0.1:4140")}
}

// registry is a witness that knows of each process which it descends from.
type registry struct {
	able  error
	delay time.Duration

	mu      sync.Mutex
	parents map[int]int
	asking  int
	most    int // asked at once
}

func (w *registry) Able() error { return w.able }

func (w *registry) Find(_ context.Context, c *httpkit.Connection, roots []host.Root) (int, cloud.Process, error) {
	w.mu.Lock()
	w.asking++
	w.most = max(w.most, w.asking)
	w.mu.Unlock()
	time.Sleep(w.delay)
	w.mu.Lock()
	defer w.mu.Unlock()
	w.asking--
	pid := int(c.Remote.Port())
	for at := pid; at != 0; at = w.parents[at] {
		for i, r := range roots {
			if r.PID == at {
				return i, cloud.Process{PID: pid}, nil
			}
		}
	}
	return 0, cloud.Process{PID: pid}, host.ErrStranger
}

func (w *registry) Holder(_ context.Context, c *httpkit.Connection) (host.Root, cloud.Process, error) {
	pid := int(c.Remote.Port())
	if pid == 0 {
		return host.Root{}, cloud.Process{}, host.ErrUnattestable
	}
	return host.Root{PID: pid}, cloud.Process{PID: pid, UID: 1000}, nil
}

// rooted is the fake engine, whose processes have numbers from 100 on; a start takes as long as it says.
type rooted struct {
	hosttest.Fake
	slow time.Duration
	n    atomic.Int64
}

type rootedProcess struct {
	host.Process
	root host.Root
}

func (p rootedProcess) Root() host.Root { return p.root }

func (e *rooted) Start(ctx context.Context, s host.Spec) (host.Process, error) {
	p, err := e.Fake.Start(ctx, s)
	time.Sleep(e.slow)
	if err != nil {
		return nil, err
	}
	n := int(e.n.Add(1)) - 1
	root := host.Root{PID: 100 + n, User: 61000 + n}
	return rootedProcess{p, root}, nil
}

// watch runs a test in a bubble with a host that has a witness.
func watch(t *testing.T, test func(t *testing.T, s *stage, w *registry, e *rooted)) {
	play(t, func(t *testing.T, s *stage) {
		w := &registry{parents: map[int]int{1001: 100, 1002: 1001, 1101: 101, 2001: 2000}}
		e := &rooted{Fake: s.host.Engine.(hosttest.Fake)}
		s.host.Witness, s.host.Engine = w, e
		test(t, s, w, e)
	})
}

func TestCallersAreHeldAgainstTheReplica(t *testing.T) {
	watch(t, func(t *testing.T, s *stage, w *registry, e *rooted) {
		s.place(app(hosttest.Obey, 1))
		mine := s.host.Replicas(hello)[0]
		if !mine.Attested() || mine.User() != 61000 || mine.Source != host.SourceAppService {
			t.Errorf("the replica is attested: %v, has user %d and source %s", mine.Attested(), mine.User(), mine.Source)
		}
		for pid, want := range map[int]error{100: nil, 1001: nil, 1002: nil, 1101: host.ErrStranger, 1: host.ErrStranger} {
			p, err := s.host.Attest(t.Context(), mine, line(pid))
			if !errors.Is(err, want) || p.PID != pid {
				t.Errorf("process %d is %+v, %v, want %v", pid, p, err, want)
			}
			r, _, err := s.host.Whose(t.Context(), line(pid))
			if !errors.Is(err, want) || err == nil && r != mine {
				t.Errorf("process %d is %v's, %v, want %v", pid, r, err, want)
			}
		}
		s.commit(store.Change{Key: cloud.AppKey(hello), If: store.Any})
		if _, err := s.host.Attest(t.Context(), mine, line(100)); !errors.Is(err, host.ErrStranger) {
			t.Errorf("a process of a replica that is no more is %v", err)
		}
	})
}

func TestWhoCallsBeforeTheStartWasSeenToWaits(t *testing.T) {
	watch(t, func(t *testing.T, s *stage, w *registry, e *rooted) {
		e.slow = time.Second
		s.place(app(hosttest.Obey, 1))
		mine := s.host.Replicas(hello)[0]
		begin := time.Now()
		if r, _, err := s.host.Whose(t.Context(), line(1001)); r != mine || err != nil || time.Since(begin) != time.Second {
			t.Errorf("the process is %v's after %v, %v", r, time.Since(begin), err)
		}
		e.slow = time.Minute
		a := app(hosttest.Obey, 2)
		s.place(a)
		other := s.host.Replicas(hello)[1]
		if _, err := s.host.Attest(t.Context(), other, line(101)); !errors.Is(err, host.ErrBusy) || !errors.Is(err, host.ErrUnattestable) {
			t.Errorf("while it is being started its process is %v", err)
		}
	})
}

// TestAttestationsAreBounded is T6: many at once have a bound, and one replica leaves room for others.
func TestAttestationsAreBounded(t *testing.T) {
	watch(t, func(t *testing.T, s *stage, w *registry, e *rooted) {
		s.place(app(hosttest.Obey, 2))
		besieged, other := s.host.Replicas(hello)[0], s.host.Replicas(hello)[1]
		if besieged.User() != 61000 {
			besieged, other = other, besieged
		}
		w.delay = time.Second
		var outcomes sync.Map
		for i := range 100 {
			go func() {
				_, err := s.host.Attest(t.Context(), besieged, line(100))
				outcomes.Store(i, err)
			}()
		}
		synctest.Wait()
		begin := time.Now()
		if _, err := s.host.Attest(t.Context(), other, line(1101)); err != nil || time.Since(begin) != time.Second {
			t.Errorf("beside a besieged replica another's process is told after %v, %v", time.Since(begin), err)
		}
		time.Sleep(time.Minute)
		synctest.Wait()
		told, given := 0, 0
		outcomes.Range(func(_, err any) bool {
			if err == nil {
				told++
			} else if errors.Is(err.(error), host.ErrUnattestable) {
				given++
			}
			return true
		})
		if told+given != 100 || told < 4 || given < 80 || w.most > 5 {
			t.Errorf("%d were told and %d given up, %d at once", told, given, w.most)
		}
	})
}

func TestAttestationIsTurnedOffByName(t *testing.T) {
	watch(t, func(t *testing.T, s *stage, w *registry, e *rooted) {
		s.place(app(hosttest.Obey, 1))
		mine := s.host.Replicas(hello)[0]
		if _, ok := s.host.SetAttestation("nobody", false); ok {
			t.Error("it is turned off for nobody")
		}
		if r, ok := s.host.SetAttestation(mine.Name, false); !ok || r != mine || mine.Attested() || mine.Unattested() != "turned off for this replica" {
			t.Errorf("it is not off: %q", mine.Unattested())
		}
		if _, _, err := s.host.Whose(t.Context(), line(1001)); !errors.Is(err, host.ErrStranger) {
			t.Errorf("a process of one that is not attested is told: %v", err)
		}
		if _, ok := s.host.SetAttestation(mine.Name, true); !ok || !mine.Attested() {
			t.Errorf("it is not on again: %q", mine.Unattested())
		}
	})
}

func TestWhereNothingCanBeToldItIsSaid(t *testing.T) {
	watch(t, func(t *testing.T, s *stage, w *registry, e *rooted) {
		w.able = errors.New("only elsewhere")
		s.place(app(hosttest.Obey, 1))
		mine := s.host.Replicas(hello)[0]
		if mine.Attested() || mine.Unattested() != "only elsewhere" {
			t.Errorf("the replica is unattested for %q", mine.Unattested())
		}
		s.host.SetAttestation(mine.Name, true)
		r, err := s.host.Attach(t.Context(), hello, host.Attachment{Connection: line(2000)})
		if err != nil || r.Attested() || mine.Attested() {
			t.Errorf("an attached one is attested: %v, %v", r.Attested(), err)
		}
	})
}

func TestAnAttachedReplicaIsWhoeverAttached(t *testing.T) {
	watch(t, func(t *testing.T, s *stage, w *registry, e *rooted) {
		a := app(hosttest.Obey, 0)
		a.Container.Env = []cloud.Variable{{Name: "WEBSITE_DISABLE_MSI", Value: "true"}}
		s.place(a)
		r, err := s.host.Attach(t.Context(), hello, host.Attachment{Connection: line(2000), Source: host.SourceIMDS, Init: true})
		if err != nil || !r.Attested() || r.Source != host.SourceIMDS || !r.Init || !r.MSIDisabled || r.User() != 1000 {
			t.Fatalf("it is %+v, %v", r, err)
		}
		if found, ok := s.host.ByWay(r.Way.Open()); !ok || found != r || len(r.Way.Open()) != 32 || strings.Trim(r.Way.Open(), "0123456789abcdef") != "" {
			t.Error("it is not found by its way of 32 hexadecimal digits")
		}
		if _, err := s.host.Attest(t.Context(), r, line(2001)); err != nil {
			t.Errorf("a child of whoever attached is %v", err)
		}
		if _, err := s.host.Attest(t.Context(), r, line(1001)); !errors.Is(err, host.ErrStranger) {
			t.Errorf("another process is %v", err)
		}
		if _, err := s.host.Attach(t.Context(), hello, host.Attachment{Connection: &httpkit.Connection{Local: line(1).Local}}); err == nil {
			t.Error("somebody who cannot be told attaches all the same")
		}
		off, err := s.host.Attach(t.Context(), hello, host.Attachment{Connection: line(2000), Unattested: true})
		if err != nil || off.Unattested() != "turned off for this replica" {
			t.Errorf("it is attested: %q, %v", off.Unattested(), err)
		}
	})
}

func TestAnEnvironmentDisablesTheTokenService(t *testing.T) {
	for value, want := range map[string]bool{"true": true, "TRUE": true, "1": true, "false": false, "": false} {
		play(t, func(t *testing.T, s *stage) {
			a := app(hosttest.Obey, 1)
			a.Container.Env = []cloud.Variable{{Name: "WEBSITE_DISABLE_MSI", Value: value}}
			s.place(a)
			if r := s.host.Replicas(hello)[0]; r.MSIDisabled != want {
				t.Errorf("with %q it is disabled: %v", value, r.MSIDisabled)
			}
		})
	}
}
