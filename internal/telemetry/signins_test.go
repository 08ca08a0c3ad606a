package telemetry

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/cloud"
)

func keep(t *testing.T, path string, k Keeping) *SignIns {
	t.Helper()
	if k.Now == nil {
		k.Now = func() time.Time { return noon }
	}
	s, err := OpenSignIns(t.Context(), path, k)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// record records tokens that were minted so many minutes after noon.
func (s *SignIns) record(t *testing.T, numbers ...int) {
	t.Helper()
	for _, n := range numbers {
		in := grant(n)
		in.Time = noon.Add(time.Duration(n) * time.Minute)
		if err := s.Record(t.Context(), in); err != nil {
			t.Fatal(err)
		}
	}
}

// found gives what a search finds: ids of tokens, and codes of refusals.
func (s *SignIns) found(t *testing.T, w Wanted) string {
	t.Helper()
	if w.Most == 0 {
		w.Most = 1000
	}
	entries, err := s.Find(t.Context(), w)
	if err != nil {
		t.Fatal(err)
	}
	var all []string
	for _, e := range entries {
		var body struct{ Token, Code string }
		if err := json.Unmarshal(e.Body, &body); err != nil {
			t.Fatal(err)
		}
		all = append(all, body.Token+body.Code)
	}
	return strings.Join(all, " ")
}

func TestSignInsAreFoundByWhatTheySay(t *testing.T) {
	s := keep(t, "", Keeping{})
	s.record(t, 1, 2)
	other := grant(3)
	other.Principal, other.Client, other.Name, other.Kind = "33333333-0000-0000-0000-000000000001", "44444444-0000-0000-0000-000000000001", "Robot", cloud.Application
	other.Identity, other.App, other.Time = cloud.ID{}, cloud.ID{}, noon.Add(3*time.Minute)
	if err := s.Record(t.Context(), other); err != nil {
		t.Fatal(err)
	}
	s.Refuse(cloud.Refused{Time: noon.Add(4 * time.Minute), Client: other.Client, Status: 401, Code: "AADSTS7000215"})
	s.Refuse(cloud.Refused{Time: noon.Add(5 * time.Minute), App: grant(0).App, Status: 403, Code: "Stolen"})
	orders := cloud.MustID(strings.ToUpper(world[:1]) + world[1:] + "/resourceGroups/SHOP/providers/Microsoft.App/containerApps/Orders")
	for name, c := range map[string]struct {
		wanted Wanted
		want   string
	}{
		"all":                       {Wanted{}, "Stolen AADSTS7000215 uti-3 uti-2 uti-1"},
		"those that were given":     {Wanted{Result: Success}, "uti-3 uti-2 uti-1"},
		"those that were not":       {Wanted{Result: Failure}, "Stolen AADSTS7000215"},
		"for an app":                {Wanted{App: orders}, "Stolen uti-2 uti-1"},
		"of an identity's id":       {Wanted{Identity: strings.ToUpper(grant(0).Identity.String())}, "uti-2 uti-1"},
		"of a principal's id":       {Wanted{Identity: string(grant(0).Principal)}, "uti-2 uti-1"},
		"of a client's id":          {Wanted{Identity: "44444444-0000-0000-0000-000000000001"}, "AADSTS7000215 uti-3"},
		"of a name":                 {Wanted{Identity: "robot"}, "uti-3"},
		"since a time":              {Wanted{From: noon.Add(3 * time.Minute)}, "Stolen AADSTS7000215 uti-3"},
		"until a time":              {Wanted{To: noon.Add(2 * time.Minute)}, "uti-2 uti-1"},
		"until the end of time":     {Wanted{To: time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)}, "Stolen AADSTS7000215 uti-3 uti-2 uti-1"},
		"since the year one":        {Wanted{From: time.Date(1, 1, 1, 0, 0, 1, 0, time.UTC)}, "Stolen AADSTS7000215 uti-3 uti-2 uti-1"},
		"since the far future":      {Wanted{From: time.Date(2400, 1, 1, 0, 0, 0, 0, time.UTC)}, ""},
		"before a record":           {Wanted{Before: 3}, "uti-2 uti-1"},
		"after a record":            {Wanted{After: 3}, "AADSTS7000215 Stolen"},
		"the newest":                {Wanted{Most: 2}, "Stolen AADSTS7000215"},
		"nobody, with signs of SQL": {Wanted{Identity: "x' or '1'='1"}, ""},
	} {
		if got := s.found(t, c.wanted); got != c.want {
			t.Errorf("%s: %q, want %q", name, got, c.want)
		}
	}
}

func TestAnEntryIsOneObject(t *testing.T) {
	s := keep(t, "", Keeping{})
	s.record(t, 1)
	s.Refuse(cloud.Refused{Time: noon, Code: "Stolen", Status: 403})
	entries, err := s.Find(t.Context(), Wanted{Most: 2})
	if err != nil {
		t.Fatal(err)
	}
	text, err := json.Marshal(entries)
	if err != nil {
		t.Fatal(err)
	}
	var got []struct {
		Seq     int
		Result  string
		Token   string
		Code    string
		Process cloud.Process
	}
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Result != "failure" || got[0].Code != "Stolen" || got[1].Token != "uti-1" || got[1].Seq != 1 ||
		got[1].Process != (cloud.Process{PID: 4711, UID: 1000, Program: "/bin/sh"}) {
		t.Errorf("got %s", text)
	}
}

func TestSignInsOutliveTheirPlatform(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signins.db")
	s := keep(t, path, Keeping{})
	s.record(t, 1, 2)
	s.Refuse(cloud.Refused{Time: noon, Code: "Stolen"})
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if err := s.Record(t.Context(), grant(3)); err == nil {
		t.Error("a token was recorded after the end")
	}
	again := keep(t, path, Keeping{})
	again.record(t, 4)
	if got := again.found(t, Wanted{}); got != "uti-4 Stolen uti-2 uti-1" {
		t.Errorf("there are %s", got)
	}
	for _, name := range []string{path, path + "-wal"} {
		if f, err := os.Stat(name); err != nil || f.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, f, err)
		}
	}
}

func TestSignInsAreKeptNinetyDays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signins.db")
	s := keep(t, path, Keeping{})
	s.record(t, 0, 60)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	later := keep(t, path, Keeping{Now: func() time.Time { return noon.Add(90*24*time.Hour + 30*time.Minute) }})
	if err := later.prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := later.found(t, Wanted{}); got != "uti-60" {
		t.Errorf("after 90 days there are %s", got)
	}
	if v, err := later.Verify(t.Context(), ""); err != nil || v.Broken != "" || v.Records != 1 {
		t.Errorf("what is left is %+v, %v", v, err)
	}
}

func TestTheOldestSignInsGoWhenAllTakeUpTooMuch(t *testing.T) {
	s := keep(t, filepath.Join(t.TempDir(), "signins.db"), Keeping{})
	s.work.Wait() // the first look at its size
	s.most = 1 << 20
	for n := range 2000 {
		s.add(noteOf(grant(n)))
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	v, err := s.Verify(t.Context(), "")
	size, sizeErr := s.size(t.Context())
	if err != nil || sizeErr != nil || v.Broken != "" || v.Records < 300 || v.Records > 1500 || size > 1<<20 {
		t.Errorf("%d bytes hold %+v (%v, %v)", size, v, err, sizeErr)
	}
	if got := s.found(t, Wanted{Most: 1}); got != "uti-1999" {
		t.Errorf("the newest is %s", got)
	}
}

func TestRefusalsAreBoundedAndWhatIsLeftOutIsCounted(t *testing.T) {
	var passed atomic.Int64
	clock := func() time.Time { return noon.Add(time.Duration(passed.Load())) }
	s := keep(t, "", Keeping{Now: clock})
	long := strings.Repeat("a", 1<<20)
	flood := func(code string, n int) {
		for range n {
			s.Refuse(cloud.Refused{Time: clock(), Replica: "orders", Code: code, Audience: long, Reason: long})
		}
	}
	flood("Wrong", 1000)
	flood("Other", 5)
	passed.Add(int64(2 * time.Second))
	flood("Wrong", 1)
	entries, err := s.Find(t.Context(), Wanted{Most: 1000})
	if err != nil {
		t.Fatal(err)
	}
	if len(entries) != alikeBurst+5+1 || entries[0].Suppressed != 980 || entries[1].Suppressed != 0 || s.Records().Suppressed != 980 {
		t.Errorf("%d are kept, the last says %d were left out, in all %d", len(entries), entries[0].Suppressed, s.Records().Suppressed)
	}
	if n := len(entries[0].Body); n > 2048 {
		t.Errorf("a refusal takes up %d bytes", n)
	}
	for n := range 10000 {
		s.Refuse(cloud.Refused{Time: clock(), Replica: fmt.Sprint(n), Code: "Wrong"})
	}
	if entries, err = s.Find(t.Context(), Wanted{Most: 10000}); err != nil || len(entries) > allBurst+40 {
		t.Errorf("of all, %d are kept (%v)", len(entries), err)
	}
	if n := len(s.limits.alike); n > maxAlike+1 {
		t.Errorf("%d replicas are told apart", n)
	}
}

func TestOnlyTheNewestRefusalsAreKept(t *testing.T) {
	s := keep(t, "", Keeping{})
	s.record(t, 1)
	for n := range maxRefused + 2000 {
		s.add(noteOfRefused(cloud.Refused{Time: noon, Code: fmt.Sprint(n)}, 0))
	}
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := s.prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	entries, err := s.Find(t.Context(), Wanted{Most: 2 * maxRefused, Result: Failure})
	if err != nil || len(entries) != maxRefused || !bytes.Contains(entries[0].Body, []byte(fmt.Sprint(maxRefused+1999))) {
		t.Errorf("%d are kept (%v)", len(entries), err)
	}
	if got := s.found(t, Wanted{Result: Success}); got != "uti-1" {
		t.Errorf("of tokens there are records %s", got)
	}
}

func TestDeliveriesAreCountedByReplicaIdentityAndMinute(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := OpenSignIns(t.Context(), "", Keeping{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		counted := func(of string, since time.Time) (all []string) {
			found, err := s.Deliveries(t.Context(), of, since, 10)
			if err != nil {
				t.Fatal(err)
			}
			for _, d := range found {
				all = append(all, fmt.Sprint(d.Minute.Format("15:04"), " ", d.Replica, " ", d.Principal, " ", d.Count))
			}
			slices.Sort(all)
			return all
		}
		begin := time.Now() // midnight
		var all sync.WaitGroup
		for range 3 {
			all.Go(func() { s.Delivered("orders", "p1", 1) })
		}
		all.Wait()
		s.Delivered("orders", "p2", 5)
		if got := counted("", begin); len(got) != 0 {
			t.Errorf("a minute that has not passed shows %v", got)
		}
		time.Sleep(90 * time.Second)
		s.Delivered("shop", "p1", 2)
		time.Sleep(time.Minute)
		if got, want := fmt.Sprint(counted("", begin)), "[00:00 orders p1 3 00:00 orders p2 5 00:01 shop p1 2]"; got != want {
			t.Errorf("counted are %s, want %s", got, want)
		}
		if got := fmt.Sprint(counted("p1", begin.Add(time.Minute))); got != "[00:01 shop p1 2]" {
			t.Errorf("later, and of one alone: %s", got)
		}
	})
}

func TestDeliveriesOfTheLastMinuteAreWrittenInTheEnd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signins.db")
	s := keep(t, path, Keeping{})
	s.Delivered("orders", "p1", 3)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got, err := keep(t, path, Keeping{}).Deliveries(t.Context(), "p1", noon, 10)
	if err != nil || len(got) != 1 || got[0].Count != 3 || !got[0].Minute.Equal(noon) {
		t.Errorf("counted are %+v, %v", got, err)
	}
}
