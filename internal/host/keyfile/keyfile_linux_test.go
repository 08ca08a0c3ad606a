package keyfile

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

func newFolder(t *testing.T) *Folder {
	t.Helper()
	f := &Folder{Dir: filepath.Join(t.TempDir(), "agent", "tokens")}
	if err := f.Open(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	return f
}

func place(t *testing.T, f *Folder, key string) string {
	t.Helper()
	path, err := f.Place([]byte(key), os.Geteuid())
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestAKeyIsReadByItsUserAlone is T9: a fixed folder that cannot be listed, a random name, a file that
// nobody else reads, gone when it was used.
func TestAKeyIsReadByItsUserAlone(t *testing.T) {
	f := newFolder(t)
	one, other := place(t, f, "opens"), place(t, f, "opens too")
	if one == other || filepath.Dir(one) != f.Dir || filepath.Ext(one) != ".key" || strings.Contains(one, "=") {
		t.Errorf("keys lie at %s and %s", one, other)
	}
	if b, err := os.ReadFile(one); err != nil || string(b) != "opens" {
		t.Errorf("the key is %q, %v", b, err)
	}
	if s, err := os.Stat(one); err != nil || s.Mode() != 0o400 {
		t.Errorf("the key has the mode %v, %v", s.Mode(), err)
	}
	if s, err := os.Stat(f.Dir); err != nil || s.Mode().Perm() != 0o711 {
		t.Errorf("the folder has the mode %v, %v", s.Mode(), err)
	}
	if os.Geteuid() == 0 {
		path, err := f.Place([]byte("x"), 61000)
		if err != nil {
			t.Fatal(err)
		}
		s, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if at := s.Sys().(*syscall.Stat_t); at.Uid != 61000 {
			t.Errorf("the key belongs to %d", at.Uid)
		}
	}
	if err := f.Remove(one); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(one); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the used key is still there: %v", err)
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(other); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a key outlives its folder's owner: %v", err)
	}
	for _, n := range []int{0, maxKey + 1} {
		if _, err := newFolder(t).Place(make([]byte, n), os.Geteuid()); err == nil {
			t.Errorf("a key of %d bytes is laid", n)
		}
	}
}

// TestNothingElseIsRemoved is T9: what is to be removed is one of the keys, by its whole path.
func TestNothingElseIsRemoved(t *testing.T) {
	f := newFolder(t)
	key := place(t, f, "opens")
	victim := filepath.Join(filepath.Dir(f.Dir), filepath.Base(key))
	stays := []string{victim, filepath.Join(f.Dir, "other.key")}
	for _, path := range stays {
		if err := os.WriteFile(path, []byte("stays"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range append(stays, filepath.Join(f.Dir, "..", filepath.Base(key))+"x", f.Dir+"/../"+filepath.Base(key), "", "/", ".."+key, f.Dir) {
		if err := f.Remove(path); err != nil {
			t.Errorf("removing %q: %v", path, err)
		}
	}
	for _, path := range append(stays, key) {
		if _, err := os.Stat(path); err != nil {
			t.Errorf("%s is gone: %v", path, err)
		}
	}
}

// TestLinksAreNotFollowed is T9: nothing is laid through a link, and one that is put in the folder's
// place later leads nobody astray.
func TestLinksAreNotFollowed(t *testing.T) {
	elsewhere := t.TempDir()
	for name, prepare := range map[string]func(dir string) error{
		"the folder is a link":       func(dir string) error { return os.Symlink(elsewhere, dir) },
		"the folder is a file":       func(dir string) error { return os.WriteFile(dir, nil, 0o600) },
		"others can write to it":     func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o733)) },
		"others can list it":         func(dir string) error { return errors.Join(os.Mkdir(dir, 0o700), os.Chmod(dir, 0o755)) },
		"others can write above it":  func(dir string) error { return os.Chmod(filepath.Dir(dir), 0o777) },
		"its parent is not a folder": func(dir string) error { os.Remove(filepath.Dir(dir)); return os.Symlink(elsewhere, filepath.Dir(dir)) },
	} {
		t.Run(name, func(t *testing.T) {
			f := &Folder{Dir: filepath.Join(t.TempDir(), "agent", "tokens")}
			if err := errors.Join(os.Mkdir(filepath.Dir(f.Dir), 0o755), prepare(f.Dir)); err != nil {
				t.Fatal(err)
			}
			if path, err := f.Place([]byte("opens"), os.Geteuid()); err == nil {
				t.Errorf("a key is laid at %s", path)
			}
		})
	}
	f := newFolder(t)
	before := place(t, f, "opens")
	moved := f.Dir + ".moved"
	if err := errors.Join(os.Rename(f.Dir, moved), os.Symlink(elsewhere, f.Dir)); err != nil {
		t.Fatal(err)
	}
	place(t, f, "opens too")
	if err := errors.Join(f.Remove(before), f.Close()); err != nil {
		t.Error(err)
	}
	for _, dir := range []string{elsewhere, moved} {
		if left, err := os.ReadDir(dir); err != nil || len(left) > 0 {
			t.Errorf("%s holds %v, %v", dir, left, err)
		}
	}
}

// TestKeysOfTheDeadAreTakenAway leaves alone what may be another platform's, and what is no key.
func TestKeysOfTheDeadAreTakenAway(t *testing.T) {
	f := newFolder(t)
	young := place(t, f, "young")
	old, strange := filepath.Join(f.Dir, strings.Repeat("ab", 16)+".key"), filepath.Join(f.Dir, "strange.key")
	for _, path := range []string{old, strange} {
		if err := errors.Join(os.WriteFile(path, nil, 0o400), os.Chtimes(path, time.Time{}, time.Now().Add(-time.Hour))); err != nil {
			t.Fatal(err)
		}
	}
	next := &Folder{Dir: f.Dir}
	if err := errors.Join(next.Open(), next.Open(), next.Close()); err != nil {
		t.Fatal(err)
	}
	for path, stays := range map[string]bool{young: true, old: false, strange: true} {
		if _, err := os.Stat(path); (err == nil) != stays {
			t.Errorf("%s: %v, want that it stays: %t", path, err, stays)
		}
	}
}

func TestManyAtOnce(t *testing.T) {
	f := newFolder(t)
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			for range 50 {
				if path, err := f.Place([]byte("opens"), os.Geteuid()); err != nil || f.Remove(path) != nil {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	if left, err := os.ReadDir(f.Dir); err != nil || len(left) > 0 {
		t.Errorf("%v are left, %v", left, err)
	}
}
