package host_test

import (
	"context"
	"encoding/json"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/host"
	"lanyard/internal/host/hosttest"
	"lanyard/internal/store"
	"lanyard/internal/store/mem"
)

var hello = cloud.MustID("/subscriptions/s/resourceGroups/rg/providers/Microsoft.App/containerApps/hello")

// stage is a running host over a store in memory and an engine of functions, inside a bubble.
type stage struct {
	t     *testing.T
	store *mem.Store
	host  *host.Host
	stop  func()

	mu    sync.Mutex
	lines []host.Line
	specs []host.Spec
}

// play runs a test in a bubble in which a host runs.
func play(t *testing.T, test func(t *testing.T, s *stage)) {
	synctest.Test(t, func(t *testing.T) {
		s := &stage{t: t, store: mem.New()}
		programs := hosttest.Programs()
		for name, program := range programs {
			programs[name] = func(asked, killed context.Context, spec host.Spec) int {
				s.mu.Lock()
				s.specs = append(s.specs, spec)
				s.mu.Unlock()
				return program(asked, killed, spec)
			}
		}
		programs["fail after 11 minutes"] = func(context.Context, context.Context, host.Spec) int {
			time.Sleep(11 * time.Minute)
			return 1
		}
		s.host = &host.Host{Store: s.store, Engine: hosttest.Fake{Programs: programs}, Dir: "/work",
			Prepare: func(r *host.Replica) []string { return []string{"REPLICA=" + r.Name} },
			Merge:   func(own, prepared []string) []string { return slices.Concat(own, []string{"under"}, prepared) },
			Output:  func(l host.Line) { s.mu.Lock(); s.lines = append(s.lines, l); s.mu.Unlock() }}
		ctx, cancel := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { s.host.Run(ctx); close(ended) }()
		s.stop = func() { cancel(); <-ended }
		if err := s.host.Ready(ctx); err != nil {
			t.Fatal(err)
		}
		test(t, s)
		s.stop()
		s.store.Close()
	})
}

// place writes an app's description and waits until the host has seen it, and all is still.
func (s *stage) place(app cloud.App) {
	s.t.Helper()
	value, err := json.Marshal(app)
	if err != nil {
		s.t.Fatal(err)
	}
	s.commit(store.Change{Key: cloud.AppKey(app.ID), Value: value, If: store.Any})
}

func (s *stage) commit(c store.Change) {
	s.t.Helper()
	rev, err := s.store.Commit(s.t.Context(), c)
	if err == nil {
		err = s.host.Await(s.t.Context(), rev)
	}
	if err != nil {
		s.t.Fatal(err)
	}
	synctest.Wait()
}

func (s *stage) starts() []host.Spec {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.specs)
}

func (s *stage) system() (texts []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, l := range s.lines {
		if l.Stream == host.System {
			texts = append(texts, l.Text)
		}
	}
	return texts
}

func app(program string, replicas int) cloud.App {
	return cloud.App{ID: hello, Revision: "hello--one", Replicas: replicas,
		Container: cloud.Container{Name: "main", Command: []string{program}, Args: []string{"arg"}}}
}

func TestReplicasAreKeptAtTheirNumber(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		for _, n := range []int{2, 3, 1, 0} {
			s.place(app(hosttest.Obey, n))
			if got := s.host.Replicas(hello); len(got) != n {
				t.Errorf("%d replicas live, want %d", len(got), n)
			}
		}
	})
}

func TestAReplicaHasANameAndSecretsOfItsOwn(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.place(app(hosttest.Obey, 2))
		rs := s.host.Replicas(cloud.ID{})
		if len(rs) != 2 {
			t.Fatalf("%d replicas live", len(rs))
		}
		for _, r := range rs {
			suffix, ok := strings.CutPrefix(r.Name, "hello--one-")
			if !ok || len(suffix) != 10 {
				t.Errorf("a replica is named %q", r.Name)
			}
			if !cloud.IsGUID(r.Header.Open()) {
				t.Errorf("a header is no GUID")
			}
			if found, ok := s.host.Replica(r.Name); !ok || found != r || !r.Alive() {
				t.Errorf("%s is not found alive", r.Name)
			}
		}
		if rs[0].Name == rs[1].Name || rs[0].Header == rs[1].Header || rs[0].Proxy == rs[1].Proxy {
			t.Error("two replicas share a name, header or password")
		}
	})
}

func TestANewRevisionRestartsWithANewHeader(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		a := app(hosttest.Obey, 1)
		s.place(a)
		old := s.host.Replicas(hello)[0]
		a.Revision = "hello--two"
		s.place(a)
		rs := s.host.Replicas(hello)
		if len(rs) != 1 || rs[0].Revision != "hello--two" || rs[0].Header == old.Header {
			t.Errorf("after the change the replicas are %v", rs)
		}
		if _, ok := s.host.Replica(old.Name); ok || old.Alive() {
			t.Error("the old replica is still known: its header would be valid")
		}
	})
}

func TestIdentitiesChangeWithoutARestart(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		a := app(hosttest.Obey, 1)
		s.place(a)
		r := s.host.Replicas(hello)[0]
		if got := r.Identities(); len(got) != 0 {
			t.Errorf("it wears %v", got)
		}
		a.Identities = []cloud.Identity{{Kind: cloud.SystemAssigned, Resource: hello, Principal: "p"}}
		s.place(a)
		worn := r.Identities()
		if len(worn) != 1 || worn[0].Principal != "p" {
			t.Errorf("after attaching it wears %v", worn)
		}
		s.place(a)
		if again := r.Identities(); &again[0] != &worn[0] {
			t.Error("the slice changed although no identity did")
		}
		a.Identities = nil
		s.place(a)
		if got := r.Identities(); len(got) != 0 {
			t.Errorf("after detaching it wears %v", got)
		}
		if n := len(s.starts()); n != 1 || !r.Alive() {
			t.Errorf("the app was started %d times", n)
		}
	})
}

func TestTheEnvironmentIsTheContainersUnderThePlatforms(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		a := app(hosttest.Obey, 1)
		a.Container.Env = []cloud.Variable{{Name: "A", Value: "1"}, {Name: "B", Value: "2"}}
		s.place(a)
		got := s.starts()[0]
		want := []string{"A=1", "B=2", "under", "REPLICA=" + s.host.Replicas(hello)[0].Name}
		if !slices.Equal(got.Env, want) || got.Dir != "/work" || !slices.Equal(got.Command, []string{"obey", "arg"}) {
			t.Errorf("the spec is %+v, want environment %v", got, want)
		}
	})
}

func TestACrashingCommandIsStartedEverMoreSlowly(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		begin := time.Now()
		s.place(app(hosttest.Fail, 1))
		var at []time.Duration
		for range 12 {
			before := len(s.starts())
			for len(s.starts()) == before {
				time.Sleep(time.Second)
				synctest.Wait()
			}
			at = append(at, time.Since(begin))
		}
		for i, want := range []int{1, 3, 7, 15, 31, 63, 127, 255, 511, 811, 1111, 1411} {
			if at[i] != time.Duration(want)*time.Second {
				t.Errorf("start %d comes after %v, want %d s", i+2, at[i], want)
			}
		}
		if got := s.system()[0]; got != "exited with code 3; next start in 1s" {
			t.Errorf("the console says %q", got)
		}
	})
}

func TestTenGoodMinutesForgiveCrashes(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.place(app("fail after 11 minutes", 1))
		time.Sleep(40 * time.Minute)
		synctest.Wait()
		for _, text := range s.system() {
			if text != "exited with code 1; next start in 1s" {
				t.Errorf("the console says %q", text)
			}
		}
	})
}

func TestACommandThatCannotStartIsSaidAndTriedAgain(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.place(app("no such program", 1))
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := s.system(); len(got) != 2 || !strings.HasPrefix(got[0], "does not start: there is no program") {
			t.Errorf("the console says %q", got)
		}
		if rs := s.host.Replicas(hello); len(rs) != 0 {
			t.Errorf("replicas live that never started: %v", rs)
		}
	})
}

func TestADeletedAppLeavesNothingToItsSuccessor(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		a := app(hosttest.Obey, 1)
		a.Identities = []cloud.Identity{{Kind: cloud.SystemAssigned, Principal: "first"}}
		s.place(a)
		attached, err := s.host.Attach(t.Context(), hello, host.Attachment{})
		if err != nil {
			t.Fatal(err)
		}
		s.commit(store.Change{Key: cloud.AppKey(hello), If: store.Any})
		if rs := s.host.Replicas(hello); len(rs) != 1 || rs[0] != attached {
			t.Errorf("after the delete live %v", rs)
		}
		a.Identities = []cloud.Identity{{Kind: cloud.SystemAssigned, Principal: "second"}}
		s.place(a)
		if got := attached.Identities(); len(got) != 0 {
			t.Errorf("a replica of the deleted app wears %v", got)
		}
		if rs := s.host.Replicas(hello); len(rs) != 2 {
			t.Errorf("of the new app live %v", rs)
		}
	})
}

func TestAnAttachedReplicaLivesAsLongAsItsContext(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		if _, err := s.host.Attach(t.Context(), hello, host.Attachment{}); !fault.Is(err, fault.NotFound) {
			t.Errorf("attaching to no app gives %v", err)
		}
		s.place(app(hosttest.Obey, 0))
		ctx, cancel := context.WithCancel(t.Context())
		r, err := s.host.Attach(ctx, hello, host.Attachment{})
		if err != nil {
			t.Fatal(err)
		}
		if found, ok := s.host.Replica(r.Name); !ok || found != r || !r.Attached {
			t.Error("the attached replica is not found")
		}
		cancel()
		synctest.Wait()
		if _, ok := s.host.Replica(r.Name); ok || r.Alive() {
			t.Error("the attached replica outlives its context")
		}
	})
}

func TestStoppingTheHostStopsEveryReplicaAfterItsGrace(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.place(app(hosttest.Defy, 2))
		begin := time.Now()
		s.stop()
		if took := time.Since(begin); took != 30*time.Second {
			t.Errorf("stopping took %v, want the grace", took)
		}
		if rs := s.host.Replicas(hello); len(rs) != 0 {
			t.Errorf("replicas live on: %v", rs)
		}
	})
}

func TestADescriptionThatCannotBeReadChangesNothing(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.place(app(hosttest.Obey, 1))
		s.commit(store.Change{Key: cloud.AppKey(hello), Value: []byte(`{"replicas":"many"`), If: store.Any})
		if n := len(s.host.Replicas(hello)); n != 1 || len(s.starts()) != 1 {
			t.Errorf("%d replicas live after %d starts", n, len(s.starts()))
		}
	})
}

// TestHeadersAreRotatedByARollingRestart is TK-5 where it is asked for: each replica is replaced at its age,
// one at a time, and what became of its header is what becomes of all.
func TestHeadersAreRotatedByARollingRestart(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.host.HeaderLife = 24 * time.Hour
		s.host.Engine = &rooted{Fake: s.host.Engine.(hosttest.Fake), slow: 10 * time.Second}
		s.place(app(hosttest.Obey, 3))
		time.Sleep(time.Minute)
		first := map[string]bool{}
		for _, r := range s.host.Replicas(hello) {
			first[r.Header.Open()] = true
		}
		time.Sleep(24*time.Hour - 2*time.Minute)
		for _, r := range s.host.Replicas(hello) {
			if !first[r.Header.Open()] {
				t.Error("a header is another before its time")
			}
		}
		for range 4 * 60 {
			time.Sleep(time.Second)
			synctest.Wait()
			running := 0
			for _, r := range s.host.Replicas(hello) {
				if r.User() != 0 { // it has started
					running++
				}
			}
			if running < 2 {
				t.Fatalf("%d of 3 replicas run", running)
			}
		}
		rs := s.host.Replicas(hello)
		for _, r := range rs {
			if first[r.Header.Open()] {
				t.Error("a header is older than it may be")
			}
		}
		if len(rs) != 3 || len(s.starts()) != 6 {
			t.Errorf("%d replicas live after %d starts", len(rs), len(s.starts()))
		}
		if got := s.system(); len(got) != 3 || got[0] != "exited with code 0; another with a new header takes its place" {
			t.Errorf("the console says %q", got)
		}
	})
}

func TestHeadersStayWhereNobodyAskedForOthers(t *testing.T) {
	play(t, func(t *testing.T, s *stage) {
		s.place(app(hosttest.Obey, 1))
		time.Sleep(1000 * time.Hour)
		if n := len(s.starts()); n != 1 {
			t.Errorf("the app was started %d times", n)
		}
	})
}

func TestAReplicaKnowsWhatItsRevisionWasMadeWith(t *testing.T) { // ID-9
	play(t, func(t *testing.T, s *stage) {
		a := app(hosttest.Obey, 1)
		a.Since = []cloud.PrincipalID{"early"}
		s.place(a)
		attached, err := s.host.Attach(t.Context(), hello, host.Attachment{})
		if err != nil {
			t.Fatal(err)
		}
		all := s.host.Replicas(hello)
		if len(all) != 2 || !slices.Equal(all[0].Since, a.Since) || !slices.Equal(all[1].Since, a.Since) {
			t.Errorf("of %d replicas the first was made with %q", len(all), all[0].Since)
		}
		a.Revision, a.Since = "hello--two", []cloud.PrincipalID{"early", "late"}
		s.place(a)
		if all = s.host.Replicas(hello); len(all) != 2 {
			t.Errorf("with a new revision there are %d replicas", len(all))
		}
		for _, r := range all {
			want := a.Since
			if r == attached { // of the revision before
				want = want[:1]
			}
			if !slices.Equal(r.Since, want) {
				t.Errorf("%s was made with %q, want %q", r.Name, r.Since, want)
			}
		}
	})
}
