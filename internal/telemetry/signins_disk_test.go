package telemetry

import (
	"bytes"
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lanyard/internal/fault"
)

// A disk is full in one of these ways.
type quota interface {
	fill(t *testing.T)
	empty(t *testing.T)
}

// pages lets the file grow no more: SQLite answers as for a full disk.
type pages struct{ s *SignIns }

func (p pages) set(t *testing.T, most string) {
	t.Helper()
	if _, err := p.s.db.ExecContext(t.Context(), "pragma max_page_count="+most); err != nil {
		t.Fatal(err)
	}
}
func (p pages) fill(t *testing.T)  { p.set(t, "1") } // as many as there are
func (p pages) empty(t *testing.T) { p.set(t, "1000000") }

// until records tokens until one is refused, and gives the refusal.
func (s *SignIns) until(t *testing.T) error {
	t.Helper()
	for n := range 1000 {
		if err := s.Record(t.Context(), grant(n)); err != nil {
			return err
		}
	}
	t.Fatal("a full disk took everything")
	return nil
}

func TestAFullDiskRefusesTokensAndTakesThemAgain(t *testing.T) {
	for name, begin := range map[string]func(t *testing.T, log *slog.Logger) (*SignIns, quota){
		"a file that may not grow": func(t *testing.T, log *slog.Logger) (*SignIns, quota) {
			s := keep(t, filepath.Join(t.TempDir(), "signins.db"), Keeping{Log: log})
			return s, pages{s}
		},
		"a file system without room": onSmallDisk,
	} {
		t.Run(name, func(t *testing.T) {
			var told bytes.Buffer
			s, disk := begin(t, slog.New(slog.NewTextHandler(&told, nil)))
			s.record(t, 1)
			disk.fill(t)
			refusal := s.until(t)
			if !fault.Is(refusal, fault.Unavailable) || !strings.Contains(refusal.Error(), "full") {
				t.Errorf("the refusal is %v", refusal)
			}
			if err := s.Record(t.Context(), grant(5000)); err == nil {
				t.Error("a silent token")
			}
			if r := s.Records(); r.Failing.IsZero() || r.Mode != "refuse" || r.Unrecorded != 0 {
				t.Errorf("it stands %+v", r)
			}
			disk.empty(t)
			if err := s.Record(t.Context(), grant(6000)); err != nil {
				t.Fatalf("the disk is back: %v", err)
			}
			if r := s.Records(); !r.Failing.IsZero() {
				t.Errorf("it stands %+v", r)
			}
			if v, err := s.Verify(t.Context(), ""); err != nil || v.Broken != "" {
				t.Errorf("the records are %+v, %v", v, err)
			}
			if got := s.found(t, Wanted{Most: 1}); got != "uti-6000" {
				t.Errorf("the newest record is %s", got)
			}
			if text := told.String(); strings.Count(text, "cannot be written") != 1 || strings.Count(text, "written again") != 1 {
				t.Errorf("told is %s", text)
			}
		})
	}
}

// Though nobody asks for a token, it is known when the disk is back.
func TestADiskThatRefusedSignInsIsTriedAgainByItself(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s, err := OpenSignIns(t.Context(), "", Keeping{})
		if err != nil {
			t.Fatal(err)
		}
		defer s.Close()
		s.refuse(t, true)
		if err := s.Record(t.Context(), grant(1)); !fault.Is(err, fault.Unavailable) {
			t.Fatal(err)
		}
		time.Sleep(time.Hour)
		synctest.Wait()
		if s.Records().Failing.IsZero() {
			t.Error("a disk that takes nothing is not told")
		}
		s.refuse(t, false)
		time.Sleep(longestPause)
		synctest.Wait()
		if r := s.Records(); !r.Failing.IsZero() {
			t.Errorf("it stands %+v", r)
		}
	})
}

// lock has another program hold the file, until the end that it gives is called.
func lock(t *testing.T, path string) (end func()) {
	t.Helper()
	db, err := sql.Open("sqlite", address(path, "_pragma=busy_timeout(10000)"))
	if err != nil {
		t.Fatal(err)
	}
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(t.Context(), "begin immediate"); err != nil {
		t.Fatal(err)
	}
	return sync.OnceFunc(func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	})
}

// hurry lets the file be locked by others for a moment alone, so that tests need not wait for longer.
func (s *SignIns) hurry(t *testing.T) {
	t.Helper()
	if _, err := s.db.ExecContext(t.Context(), "pragma busy_timeout=100"); err != nil {
		t.Fatal(err)
	}
}

func TestALockedFileRefusesTokens(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signins.db")
	s := keep(t, path, Keeping{Patience: 20 * time.Second})
	s.record(t, 1)
	s.hurry(t)
	end := lock(t, path)
	defer end()
	var all sync.WaitGroup
	for n := range 20 {
		all.Go(func() {
			if err := s.Record(t.Context(), grant(n)); !fault.Is(err, fault.Unavailable) {
				t.Errorf("got %v", err)
			}
		})
	}
	all.Wait()
	if got := s.found(t, Wanted{}); got != "uti-1" {
		t.Errorf("while it is locked there are %s", got)
	}
	end()
	s.record(t, 3)
	if got := s.found(t, Wanted{}); got != "uti-3 uti-1" {
		t.Errorf("there are %s", got)
	}
}

func TestAFileThatIsLockedForAMomentIsWaitedFor(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signins.db")
	s := keep(t, path, Keeping{Patience: time.Minute})
	end := lock(t, path)
	defer end()
	done := make(chan error)
	go func() { done <- s.Record(context.Background(), grant(1)) }()
	for s.writing.TryLock() { // until the group is being written
		s.writing.Unlock()
		runtime.Gosched()
	}
	end()
	if err := <-done; err != nil {
		t.Errorf("got %v", err)
	}
}

// A disk that hangs is stood in for by one who holds the pen.
func TestADiskThatHangsRefusesTokensWithinABound(t *testing.T) {
	s := keep(t, filepath.Join(t.TempDir(), "signins.db"), Keeping{Patience: time.Minute})
	s.record(t, 1)
	s.patience = 50 * time.Millisecond
	s.writing.Lock()
	if err := s.Record(t.Context(), grant(2)); !errors.Is(err, errSlow) || !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v", err)
	}
	s.writing.Unlock()
	s.patience = time.Minute
	s.record(t, 3)
	if got := s.found(t, Wanted{}); got != "uti-3 uti-1" {
		t.Errorf("there are %s: a token that was refused before its turn came has no record", got)
	}
}

func TestUnderDegradeTokensAreGivenOutAndRecordedLater(t *testing.T) {
	var told bytes.Buffer
	path := filepath.Join(t.TempDir(), "signins.db")
	s := keep(t, path, Keeping{Degrade: true, Patience: 20 * time.Second, Log: slog.New(slog.NewTextHandler(&told, nil))})
	s.record(t, 1)
	s.hurry(t)
	end := lock(t, path)
	defer end()
	for n := range 50 {
		if err := s.Record(t.Context(), grant(100+n)); err != nil {
			t.Fatal(err)
		}
	}
	if r := s.Records(); r.Mode != "degrade" || r.Unrecorded != 50 || r.Waiting != 50 || r.Failing.IsZero() {
		t.Errorf("it stands %+v", r)
	}
	end()
	if err := s.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if r := s.Records(); r.Unrecorded != 50 || r.Lost != 0 || !r.Failing.IsZero() || r.Waiting != 0 {
		t.Errorf("it stands %+v", r)
	}
	if v, err := s.Verify(t.Context(), ""); err != nil || v.Records != 51 || v.Broken != "" {
		t.Errorf("the records are %+v, %v", v, err)
	}
	if text := told.String(); !strings.Contains(text, "given out before") || !strings.Contains(text, "tokens=50") {
		t.Errorf("told is %s", text)
	}
}

func TestUnderDegradeWhatMemoryHasNoRoomForIsCounted(t *testing.T) {
	s := keep(t, "", Keeping{Degrade: true})
	pages{s}.fill(t)
	big := grant(0)
	big.Name = strings.Repeat("n", 1<<20)
	for range 40 {
		if err := s.Record(t.Context(), big); err != nil {
			t.Fatal(err)
		}
	}
	if r := s.Records(); r.Lost == 0 || r.Lost+int64(r.Waiting) != 40 {
		t.Errorf("it stands %+v", r)
	}
	pages{s}.empty(t)
}

func TestWhatIsNoFileIsRefusedByName(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signins.db")
	if err := os.Mkdir(path, 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSignIns(t.Context(), path, Keeping{}); err == nil || !strings.Contains(err.Error(), path+" is no file") {
		t.Errorf("got %v", err)
	}
}

func TestAFileThatIsNoDatabaseIsLeftAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signins.db")
	text := strings.Repeat("these are no records\n", 1000)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := OpenSignIns(t.Context(), path, Keeping{}); err == nil || !strings.Contains(err.Error(), "sign-in records") {
		t.Errorf("got %v", err)
	}
	if left, err := os.ReadFile(path); err != nil || string(left) != text {
		t.Errorf("the file was changed (%v)", err)
	}
}

func TestNobodyWhoRecordsIsLeftWaiting(t *testing.T) {
	path := filepath.Join(t.TempDir(), "signins.db")
	s := keep(t, path, Keeping{})
	var all sync.WaitGroup
	for i := range 32 {
		all.Go(func() {
			for j := range 50 {
				if err := s.Record(t.Context(), grant(1000*i+j)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	v, err := s.Verify(t.Context(), "")
	if err != nil || v.Records != 1600 || v.Broken != "" {
		t.Errorf("the records are %+v, %v", v, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}
