package keyfile

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
)

// openOwn opens a folder of ours, made where there is none, below folders in which nobody but root and
// we can put anything in its place.
func openOwn(dir string) (*os.Root, error) {
	if err := isSafe(filepath.Dir(filepath.Dir(dir))); err != nil {
		return nil, err
	}
	for _, each := range []struct {
		path string
		mode fs.FileMode
	}{{filepath.Dir(dir), 0o755}, {dir, 0o711}} { // whoever knows a key's name finds it, and nobody can ask for names
		err := os.Mkdir(each.path, each.mode)
		switch {
		case err == nil:
			err = os.Chmod(each.path, each.mode) // whatever the umask says
		case errors.Is(err, fs.ErrExist):
			err = isSafe(each.path)
		}
		if err != nil {
			return nil, err
		}
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	s, err := root.Stat(".")
	if err == nil {
		err = isOurs(dir, s)
	}
	if err != nil {
		return nil, errors.Join(err, root.Close())
	}
	return root, nil
}

// isOurs holds the folder that was opened against what was asked for: it is ours alone to write and list.
func isOurs(dir string, s fs.FileInfo) error {
	at, ok := s.Sys().(*syscall.Stat_t)
	if !ok || int(at.Uid) != os.Geteuid() {
		return fmt.Errorf("%s belongs to somebody else, perhaps to Azure's own agent", dir)
	}
	if s.Mode().Perm()&0o066 != 0 {
		return fmt.Errorf("others can read or write %s", dir)
	}
	return nil
}

// isSafe sees to it that in the way to a folder nobody can exchange anything but root and us.
func isSafe(dir string) error {
	for at := dir; ; at = filepath.Dir(at) {
		s, err := os.Lstat(at)
		if err != nil {
			return err
		}
		owner, ok := s.Sys().(*syscall.Stat_t)
		switch {
		case !s.IsDir():
			return fmt.Errorf("%s is no folder", at)
		case !ok || owner.Uid != 0 && int(owner.Uid) != os.Geteuid():
			return fmt.Errorf("%s belongs to somebody else", at)
		case s.Mode().Perm()&0o022 != 0 && s.Mode()&fs.ModeSticky == 0:
			return fmt.Errorf("others can write to %s", at)
		}
		if at == filepath.Dir(at) {
			return nil
		}
	}
}
