package telemetry

import (
	"log/slog"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sys/unix"
)

// small is a file system of a few pages, in memory, filled by a file beside the records.
type small struct{ path string }

func onSmallDisk(t *testing.T, log *slog.Logger) (*SignIns, quota) {
	t.Helper()
	dir := t.TempDir()
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "size=512k"); err != nil {
		if os.Getenv("LANYARD_CI") != "" {
			t.Fatal(err)
		}
		t.Skipf("only root may mount file systems: %v", err)
	}
	t.Cleanup(func() {
		if err := unix.Unmount(dir, 0); err != nil {
			t.Error(err)
		}
	})
	return keep(t, filepath.Join(dir, "signins.db"), Keeping{Log: log}), small{filepath.Join(dir, "ballast")}
}

func (d small) fill(t *testing.T) {
	t.Helper()
	f, err := os.Create(d.path)
	if err != nil {
		t.Fatal(err)
	}
	for block := make([]byte, 4096); err == nil; {
		_, err = f.Write(block)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

func (d small) empty(t *testing.T) {
	t.Helper()
	if err := os.Remove(d.path); err != nil {
		t.Fatal(err)
	}
}
