package etcd

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"lanyard/internal/store"
	"lanyard/internal/store/storetest"
)

func open(t *testing.T, dir string) *Store {
	t.Helper()
	s, err := Open(t.Context(), Config{Dir: dir, Log: slog.New(slog.NewTextHandler(t.Output(), nil))})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func compact(t *testing.T, s store.Store, revision int64) {
	t.Helper()
	if _, err := s.(*Store).client.Compact(t.Context(), revision); err != nil {
		t.Fatal(err)
	}
}

func TestTheEmbeddedStoreConforms(t *testing.T) {
	var dirs sync.Map
	storetest.Run(t, func(t *testing.T) store.Store {
		dir := filepath.Join(t.TempDir(), "state")
		s := open(t, dir)
		dirs.Store(s, dir)
		return s
	}, storetest.Options{
		Compact: compact,
		Reopen: func(t *testing.T, s store.Store) store.Store {
			if err := s.Close(); err != nil {
				t.Fatal(err)
			}
			dir, _ := dirs.Load(s)
			return open(t, dir.(string))
		},
	})
}

func TestASecondProcessIsToldWhoseFolderItIs(t *testing.T) {
	dir := t.TempDir()
	first := open(t, dir)
	began := time.Now()
	_, err := Open(t.Context(), Config{Dir: dir})
	if !errors.Is(err, store.ErrInUse) || !strings.Contains(err.Error(), dir) {
		t.Errorf("the second was told %v; want ErrInUse, and %s", err, dir)
	}
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("the second was told after %v", took)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

func TestTheStateIsForItsOwnerOnly(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("modes say nothing on Windows")
	}
	dir := filepath.Join(t.TempDir(), "state")
	open(t, dir)
	err := filepath.WalkDir(dir, func(path string, d os.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := d.Info()
		if err == nil && info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s has mode %v", path, info.Mode())
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

func TestTheEmbeddedStoreListensNowhere(t *testing.T) {
	c := settings(t.TempDir(), slog.New(slog.DiscardHandler))
	if n := len(c.ListenClientUrls) + len(c.ListenPeerUrls) + len(c.ListenClientHttpUrls) + len(c.ListenMetricsUrls); n != 0 {
		t.Errorf("%d listeners are configured", n)
	}
	if c.UnsafeNoFsync {
		t.Error("commits are not made durable")
	}
	before := sockets(t)
	open(t, t.TempDir())
	if after := sockets(t); after > before {
		t.Errorf("opening the store opened %d sockets", after-before)
	}
}

// sockets counts the sockets of this process, where the system tells.
func sockets(t *testing.T) int {
	files, err := os.ReadDir("/proc/self/fd")
	if errors.Is(err, os.ErrNotExist) {
		return 0
	}
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, f := range files {
		if to, err := os.Readlink("/proc/self/fd/" + f.Name()); err == nil && strings.HasPrefix(to, "socket:") {
			n++
		}
	}
	return n
}

func TestAHalfMadeStoreIsMadeAnew(t *testing.T) {
	dir := t.TempDir()
	// What a process leaves that is killed between making the log and writing to it.
	if err := os.MkdirAll(filepath.Join(dir, newName, "member", "wal"), 0o700); err != nil {
		t.Fatal(err)
	}
	if _, err := open(t, dir).Commit(t.Context(), store.Change{Key: "/a", Value: []byte("1")}); err != nil {
		t.Error(err)
	}
}

func TestADamagedStoreIsAnError(t *testing.T) {
	dir := t.TempDir()
	if err := open(t, dir).Close(); err != nil {
		t.Fatal(err)
	}
	logs, err := filepath.Glob(filepath.Join(dir, dataName, "member", "wal", "*.wal"))
	if err != nil || len(logs) == 0 {
		t.Fatalf("logs: %v, %v", logs, err)
	}
	for _, log := range logs {
		if err := os.WriteFile(log, []byte(strings.Repeat("damage ", 1000)), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	// In a process of its own, since etcd leaves goroutines behind when it gives up.
	writer := exec.Command(os.Args[0])
	writer.Env = append(os.Environ(), crashFolder+"="+dir)
	said, err := writer.Output()
	if err == nil || !strings.HasPrefix(string(said), "open store in "+dir+": start etcd: ") {
		t.Errorf("opening a damaged store said %q, %v; want an error that names %s", said, err, dir)
	}
}

func TestOpeningEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Open(ctx, Config{Dir: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Errorf("opening gave %v", err)
	}
}
