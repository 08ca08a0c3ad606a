package edge

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func newTrust(t *testing.T, state string) *Trust {
	t.Helper()
	if os.Geteuid() != 0 {
		t.Setenv("HOME", t.TempDir())
		t.Setenv("XDG_CACHE_HOME", "")
	}
	trust, err := PlaceTrust(state, t.TempDir(), newAuthority(t, t.TempDir()).PEM())
	if err != nil {
		t.Fatal(err)
	}
	dir := trust.dir
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return trust
}

func TestTrustLiesWhereNothingCleansUpAndNobodyElseWrites(t *testing.T) {
	state := t.TempDir()
	trust := newTrust(t, state)
	if strings.HasPrefix(trust.Bundle, "/tmp/lanyard-trust-") {
		if _, err := trustFolder(state); err == nil {
			t.Errorf("the bundle lies in %s though there is a better place", trust.Bundle)
		}
	}
	for _, path := range []string{trust.dir, trust.Bundle, trust.Store} {
		s, err := os.Stat(path)
		if err != nil || s.Mode().Perm()&0o004 == 0 || s.Mode().Perm()&0o022 != 0 {
			t.Errorf("%s: %v, %v; want all to read and its owner alone to write", path, s.Mode(), err)
		}
	}
	again, err := PlaceTrust(state, t.TempDir(), trust.ca)
	if err != nil {
		t.Fatal(err)
	}
	if again.dir != trust.dir && !strings.Contains(trust.dir, "lanyard-trust-") {
		t.Errorf("the next start uses %s and not %s: the old one would stay behind", again.dir, trust.dir)
	}
	if err := again.Remove(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(again.dir); err == nil {
		t.Error("it is still there when the platform has ended")
	}
}

func TestTrustThatIsRemovedComesBack(t *testing.T) {
	trust := newTrust(t, t.TempDir())
	before, err := os.ReadFile(trust.Bundle)
	if err != nil {
		t.Fatal(err)
	}
	old := time.Now().Add(-30 * 24 * time.Hour)
	for _, gone := range []string{trust.dir, trust.Bundle, trust.Store} {
		if err := os.RemoveAll(gone); err != nil {
			t.Fatal(err)
		}
		// Real files under a clock that jumps: one round of Run.
		synctest.Test(t, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), keepEvery+time.Minute)
			defer cancel()
			if err := trust.Run(ctx); err != nil {
				t.Error(err)
			}
		})
		after, err := os.ReadFile(trust.Bundle)
		if err != nil || string(after) != string(before) {
			t.Errorf("after %s was removed the bundle reads %d bytes, %v; want %d", gone, len(after), err, len(before))
		}
		if _, err := os.Stat(trust.Store); err != nil {
			t.Error(err)
		}
	}
	for _, file := range []string{trust.dir, trust.Bundle, trust.Store} {
		if err := os.Chtimes(file, old, old); err != nil {
			t.Fatal(err)
		}
	}
	if err := trust.keep(); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{trust.dir, trust.Bundle, trust.Store} {
		if s, err := os.Stat(file); err != nil || time.Since(s.ModTime()) > time.Hour {
			t.Errorf("%s looks unused since %v: it would be cleaned up", file, s.ModTime())
		}
	}
}

// lacking skips a test that needs what this machine does not allow, and fails it where all must be there.
func lacking(t *testing.T, err error) {
	t.Helper()
	if os.Getenv("LANYARD_CI") != "" {
		t.Fatal(err)
	}
	t.Skip(err)
}

// TestTrustIsNotPutIntoSomebodyElsesFolder is what a neighbour could do in /tmp after a clean-up.
func TestTrustIsNotPutIntoSomebodyElsesFolder(t *testing.T) {
	trust := newTrust(t, t.TempDir())
	place, elsewhere := t.TempDir(), t.TempDir()
	trust.dir = filepath.Join(place, "trust")
	if err := os.Symlink(elsewhere, trust.dir); err != nil {
		lacking(t, err)
	}
	if err := trust.write(); err == nil {
		t.Error("it was written through a link")
	}
	if os.Geteuid() == 0 {
		foreign := filepath.Join(place, "foreign")
		if err := os.Mkdir(foreign, 0o777); err != nil {
			t.Fatal(err)
		}
		if err := os.Chown(foreign, 12345, 12345); err != nil {
			lacking(t, err)
		}
		trust.dir = foreign
		if err := trust.write(); err == nil {
			t.Error("it was written into another user's folder")
		}
	}
}

// TestTrustLiesInNoFolderThatOthersWriteTo is of a cache folder on a disk that people share: whoever may
// write to a folder may put another in the place of what lies in it.
func TestTrustLiesInNoFolderThatOthersWriteTo(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("a profile is its user's alone")
	}
	for name, c := range map[string]struct {
		mode os.FileMode
		kept bool
	}{
		"its owner alone":              {0o700, true},
		"everybody reads":              {0o755, true},
		"a group writes":               {0o775, false},
		"everybody writes":             {0o777, false},
		"everybody writes, kept apart": {0o777 | os.ModeSticky, true},
	} {
		t.Run(name, func(t *testing.T) {
			shared := filepath.Join(t.TempDir(), "shared")
			dir := filepath.Join(shared, "cache", "lanyard")
			if err := os.MkdirAll(dir, 0o755); err != nil {
				t.Fatal(err)
			}
			link := filepath.Join(t.TempDir(), "link")
			if err := errors.Join(os.Chmod(shared, c.mode), os.Symlink(dir, link)); err != nil {
				t.Fatal(err)
			}
			for _, at := range []string{dir, link} {
				if err := areKept(at); (err == nil) != c.kept {
					t.Errorf("%s: %v; want it kept: %t", at, err, c.kept)
				}
			}
			if os.Geteuid() == 0 {
				return // whose trust lies in /run
			}
			t.Setenv("XDG_CACHE_HOME", filepath.Join(shared, "cache"))
			trust, err := PlaceTrust("state", t.TempDir(), newAuthority(t, t.TempDir()).PEM())
			if err != nil {
				t.Fatal(err)
			}
			if here := strings.HasPrefix(trust.dir, shared); here != c.kept && runtime.GOOS == "linux" {
				t.Errorf("the trust lies in %s", trust.dir)
			}
		})
	}
	if os.Geteuid() == 0 {
		foreign := filepath.Join(t.TempDir(), "foreign")
		if err := errors.Join(os.MkdirAll(filepath.Join(foreign, "own"), 0o755), os.Chown(foreign, 12345, 12345)); err != nil {
			lacking(t, err)
		}
		if areKept(filepath.Join(foreign, "own")) == nil {
			t.Error("what lies in another user's folder is held to be kept")
		}
	}
}
