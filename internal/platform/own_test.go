package platform

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestAStateFolderOfAnotherUserIsRefused is of T14: who owns the folder could replace what lies in it.
func TestAStateFolderOfAnotherUserIsRefused(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can make a folder that is another user's")
	}
	dir := filepath.Join(t.TempDir(), "state")
	if err := os.Mkdir(dir, 0o777); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(dir, 12345, 12345); err != nil {
		t.Skip(err)
	}
	for name, at := range map[string]string{"itself": dir, "by a link": filepath.Join(t.TempDir(), "link")} {
		if at != dir {
			if err := os.Symlink(dir, at); err != nil {
				t.Fatal(err)
			}
		}
		p, err := Start(t.Context(), Config{State: at})
		if err == nil {
			t.Errorf("%s: the platform starts", name)
			_ = p.Stop(t.Context())
		} else if !strings.Contains(err.Error(), "belongs to user 12345") {
			t.Errorf("%s: %v", name, err)
		}
		if entries, _ := os.ReadDir(dir); len(entries) > 0 {
			t.Errorf("%s: %v was written", name, entries)
		}
	}
}
