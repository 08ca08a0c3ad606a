//go:build unix

package edge

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// isOwn reports whether a file belongs to the user that this process runs as.
func isOwn(s fs.FileInfo) bool {
	is, ok := s.Sys().(*syscall.Stat_t)
	return ok && int(is.Uid) == os.Geteuid()
}

// areKept sees to it that nobody but this process's user and root can put something else in the place of
// a folder or of one above it: each belongs to one of them, and where others may write the sticky bit
// keeps them from what is not theirs.
func areKept(dir string) error {
	at, err := filepath.EvalSymlinks(dir)
	if err != nil {
		return err
	}
	for ; ; at = filepath.Dir(at) {
		s, err := os.Lstat(at)
		if err != nil {
			return err
		}
		is, ok := s.Sys().(*syscall.Stat_t)
		if !ok || is.Uid != 0 && !isOwn(s) {
			return fmt.Errorf("%s belongs to somebody else", at)
		}
		if s.Mode().Perm()&0o022 != 0 && s.Mode()&fs.ModeSticky == 0 {
			return fmt.Errorf("others may write to %s", at)
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}
