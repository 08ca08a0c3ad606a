//go:build unix

package platform

import (
	"fmt"
	"os"
	"syscall"
)

// checkOwn refuses a folder of another user's: its owner could put other files in the place of those
// that are written there, whatever their modes, and so own the world.
func checkOwn(dir string) error {
	s, err := os.Stat(dir)
	if err != nil {
		return err
	}
	if is, ok := s.Sys().(*syscall.Stat_t); ok && int(is.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to user %d and not to %d, who starts the platform: try another --state", dir, is.Uid, os.Geteuid())
	}
	return nil
}
