//go:build unix

package edge

import (
	"io/fs"
	"os"
	"syscall"
)

// isOwn reports whether a file belongs to the user that this process runs as.
func isOwn(s fs.FileInfo) bool {
	is, ok := s.Sys().(*syscall.Stat_t)
	return ok && int(is.Uid) == os.Geteuid()
}
