package telemetry

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/cloud"
)

var noon = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)

const world = "/subscriptions/aaaaaaaa-0000-0000-0000-000000000001"

// deed gives a record of a write at an id, so many minutes after noon.
func deed(n int, at string) cloud.Activity {
	return cloud.Activity{
		ID: fmt.Sprintf("id-%s-%d", at, n), Time: noon.Add(time.Duration(n) * time.Minute), Operation: "Microsoft.KeyVault/vaults/write",
		Resource: cloud.MustID(at), State: cloud.ActivitySucceeded, Code: 201, Correlation: fmt.Sprintf("C-%d", n),
		By: cloud.Caller{Principal: "oid", Client: "app", SignIn: "Owner@lanyard.localhost"},
	}
}

func begin(t *testing.T, path string, now time.Time) *History {
	t.Helper()
	h, err := OpenHistory(t.Context(), path, func() time.Time { return now }, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = h.Close() })
	return h
}

func (h *History) ids(t *testing.T, s Search) (ids []string) {
	t.Helper()
	if s.Most == 0 {
		s.Most = 100
	}
	found, _, err := h.Find(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range found {
		ids = append(ids, a.Correlation)
	}
	return ids
}

func TestRecordsAreFoundByWhatTheySay(t *testing.T) {
	h := begin(t, "", noon)
	rg := world + "/resourceGroups/rg"
	for i, at := range []string{world, rg, rg + "/providers/Microsoft.KeyVault/vaults/kv", rg + "/providers/Microsoft.KeyVault/vaults/kv/secrets/s",
		rg + "/providers/Microsoft.KeyVault/vaults/kv-2", world + "/resourceGroups/rg-2", "/subscriptions/bbbbbbbb-0000-0000-0000-000000000001/resourceGroups/rg"} {
		h.Record(deed(i, at))
	}
	other := deed(7, rg)
	other.Operation, other.State, other.By = "Microsoft.App/containerApps/write", cloud.ActivityFailed, cloud.Caller{Client: "robot"}
	h.Record(other)
	here := "AAAAAAAA-0000-0000-0000-000000000001"
	for name, c := range map[string]struct {
		search Search
		want   string
	}{
		"all":                        {Search{}, "[C-7 C-6 C-5 C-4 C-3 C-2 C-1 C-0]"},
		"of a subscription":          {Search{Subscription: here}, "[C-7 C-5 C-4 C-3 C-2 C-1 C-0]"},
		"of a group":                 {Search{Subscription: here, Group: "RG"}, "[C-7 C-4 C-3 C-2 C-1]"},
		"of a resource and below":    {Search{Resource: cloud.MustID(rg + "/providers/microsoft.keyvault/VAULTS/KV")}, "[C-3 C-2]"},
		"from a time on":             {Search{Subscription: here, From: noon.Add(4 * time.Minute)}, "[C-7 C-5 C-4]"},
		"up to a time":               {Search{Subscription: here, To: noon.Add(time.Minute)}, "[C-1 C-0]"},
		"of a provider":              {Search{Provider: "microsoft.app"}, "[C-7]"},
		"of a correlation id":        {Search{Correlation: "c-3"}, "[C-3]"},
		"of a person":                {Search{Subscription: here, Caller: "owner@LANYARD.localhost", Group: "rg-2"}, "[C-5]"},
		"of an app":                  {Search{Caller: "robot"}, "[C-7]"},
		"of a state":                 {Search{State: "failed"}, "[C-7]"},
		"nothing":                    {Search{Group: "none"}, "[]"},
		"with signs of SQL in names": {Search{Group: "rg' or '1'='1"}, "[]"},
	} {
		if got := fmt.Sprint(h.ids(t, c.search)); got != c.want {
			t.Errorf("%s: %s, want %s", name, got, c.want)
		}
	}
}

func TestPagesOfRecordsNeitherRepeatNorMiss(t *testing.T) {
	h := begin(t, "", noon)
	for i := range 25 {
		h.Record(deed(i, world))
	}
	var all []string
	for s := (Search{Most: 10}); ; {
		found, next, err := h.Find(t.Context(), s)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range found {
			all = append(all, a.Correlation)
		}
		h.Record(deed(100+len(all), world)) // what comes meanwhile moves nothing
		if s.Before = next; next == 0 {
			break
		}
	}
	if len(all) != 25 || all[0] != "C-24" || all[24] != "C-0" {
		t.Errorf("got %d: %v", len(all), all)
	}
}

func TestRecordsOutliveTheirPlatform(t *testing.T) {
	path := filepath.Join(t.TempDir(), "activity.db")
	h := begin(t, path, noon)
	h.Record(deed(1, world))
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	h.Record(deed(2, world)) // after the end: kept by nobody
	again := begin(t, path, noon)
	found, _, err := again.Find(t.Context(), Search{Most: 10})
	if err != nil || len(found) != 1 || found[0].By.SignIn != "Owner@lanyard.localhost" || !found[0].Time.Equal(noon.Add(time.Minute)) {
		t.Errorf("got %+v, %v", found, err)
	}
	for _, name := range []string{path, path + "-wal"} {
		if s, err := os.Stat(name); err != nil || s.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", name, s.Mode(), err)
		}
	}
}

func TestRecordsAreKeptNinetyDays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "activity.db")
	h := begin(t, path, noon)
	h.Record(deed(0, world))
	h.Record(deed(60, world))
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	later := begin(t, path, noon.Add(90*24*time.Hour+30*time.Minute))
	if err := later.prune(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(later.ids(t, Search{})); got != "[C-60]" {
		t.Errorf("after 90 days there are %s", got)
	}
}

func TestManyWriteAtOnceAndNoneIsLost(t *testing.T) {
	path := filepath.Join(t.TempDir(), "activity.db")
	h := begin(t, path, noon)
	var all sync.WaitGroup
	for i := range 8 {
		all.Go(func() {
			for j := range 200 {
				h.Record(deed(j, fmt.Sprintf("%s/resourceGroups/g%d", world, i)))
				if j%50 == 0 {
					if _, _, err := h.Find(context.Background(), Search{Most: 1}); err != nil {
						t.Error(err)
					}
				}
			}
		})
	}
	all.Wait()
	if err := h.Close(); err != nil {
		t.Fatal(err)
	}
	if got := len(begin(t, path, noon).ids(t, Search{Most: 5000})); got != 1600 {
		t.Errorf("%d records, want 1600", got)
	}
}

// While the disk refuses them, records wait, and are written when it takes them again.
func TestRecordsWaitForADiskThatRefusesThem(t *testing.T) {
	h := begin(t, "", noon)
	h.Record(deed(1, world))
	if _, err := h.db.ExecContext(t.Context(), "alter table activity rename to elsewhere"); err != nil {
		t.Fatal(err)
	}
	if h.Flush(t.Context()) == nil {
		t.Fatal("nothing was refused")
	}
	h.Record(deed(2, world))
	if _, err := h.db.ExecContext(t.Context(), "alter table elsewhere rename to activity"); err != nil {
		t.Fatal(err)
	}
	if got := fmt.Sprint(h.ids(t, Search{})); got != "[C-2 C-1]" {
		t.Errorf("got %s", got)
	}
}

// refuse makes the disk refuse what is written, or take it again.
func (l *ledger[R]) refuse(t *testing.T, yes bool) {
	t.Helper()
	if _, err := l.db.ExecContext(t.Context(), fmt.Sprintf("pragma query_only=%v", yes)); err != nil {
		t.Fatal(err)
	}
}

func TestWhatTheDiskHasIsFoundWhileItRefusesMore(t *testing.T) {
	h := begin(t, "", noon)
	h.Record(deed(1, world))
	if err := h.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	h.refuse(t, true)
	h.Record(deed(2, world))
	if got := fmt.Sprint(h.ids(t, Search{})); got != "[C-1]" {
		t.Errorf("got %s", got)
	}
	h.refuse(t, false)
	if got := fmt.Sprint(h.ids(t, Search{})); got != "[C-2 C-1]" {
		t.Errorf("got %s", got)
	}
}

func TestADiskThatRefusedRecordsIsTriedAgainByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		h, err := OpenHistory(t.Context(), "", nil, nil)
		if err != nil {
			t.Fatal(err)
		}
		defer h.Close()
		h.refuse(t, true)
		h.Record(deed(1, world))
		time.Sleep(time.Hour)
		synctest.Wait()
		h.mu.Lock()
		if h.pause != longestPause || len(h.waiting) != 1 {
			t.Errorf("after an hour %d wait for another %s", len(h.waiting), h.pause)
		}
		h.mu.Unlock()
		h.refuse(t, false)
		time.Sleep(longestPause)
		synctest.Wait()
		h.mu.Lock()
		defer h.mu.Unlock()
		if h.pause != gather || len(h.waiting) != 0 || h.trouble != nil {
			t.Errorf("%d wait for another %s", len(h.waiting), h.pause)
		}
	})
}

// queued gives how many records wait, with how many bytes, and how many were dropped, while no group
// is being written.
func (h *History) queued() (n, weight, dropped int) {
	h.writing.Lock()
	defer h.writing.Unlock()
	h.mu.Lock()
	defer h.mu.Unlock()
	return len(h.waiting), h.weight, h.dropped
}

func TestWhatWaitsIsBoundedInBytesAndWhatIsDroppedIsTold(t *testing.T) {
	var told strings.Builder
	h, err := OpenHistory(t.Context(), "", func() time.Time { return noon }, slog.New(slog.NewTextHandler(&told, nil)))
	if err != nil {
		t.Fatal(err)
	}
	defer h.Close()
	h.refuse(t, true)
	big := deed(0, world)
	big.Message = strings.Repeat("m", 1<<20)
	for i := range 20 {
		big.ID, big.Correlation = fmt.Sprint(i), fmt.Sprintf("C-%d", i)
		h.Record(big)
		if i%3 == 0 && h.Flush(t.Context()) == nil {
			t.Fatal("nothing was refused")
		}
	}
	if n, weight, dropped := h.queued(); weight > maxWaitingBytes || n != 7 || dropped != 13 {
		t.Errorf("%d wait with %d bytes, %d were dropped", n, weight, dropped)
	}
	h.refuse(t, false)
	if got := fmt.Sprint(h.ids(t, Search{})); got != "[C-19 C-18 C-17 C-16 C-15 C-14 C-13]" {
		t.Errorf("kept are %s", got)
	}
	if _, weight, _ := h.queued(); weight != 0 || !strings.Contains(told.String(), "records=13") {
		t.Errorf("%d bytes wait; told is %s", weight, told.String())
	}
}

func TestTheOldestRecordsGoWhenAllTakeUpTooMuch(t *testing.T) {
	h := begin(t, filepath.Join(t.TempDir(), "activity.db"), noon)
	h.work.Wait() // the first look at its size
	h.most = 1 << 20
	for i := range 400 {
		one := deed(i, world)
		one.Message = strings.Repeat("m", 10<<10)
		h.Record(one)
		if i%40 == 0 {
			if err := h.Flush(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(h.Flush(t.Context()), h.prune(t.Context())); err != nil {
		t.Fatal(err)
	}
	left := h.ids(t, Search{Most: 1000})
	size, err := h.size(t.Context())
	if err != nil || size > h.most || size < h.most/2 || left[0] != "C-399" || len(left) < 50 || len(left) > 100 {
		t.Errorf("%d bytes are in use by %d records, the newest %s (%v)", size, len(left), left[0], err)
	}
}
