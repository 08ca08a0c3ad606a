//go:build unix

package process

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Each replica that runs as a user of its own takes one of these uids. They lie where systemd's
// table of uids ("Users, Groups, UIDs and GIDs on systemd systems") leaves a gap.
const (
	firstUser = 61000
	lastUser  = 61183
)

// lastTaken names the file that tells which uid was taken last.
const lastTaken = "last"

// errNoUser says that no uid is left.
var errNoUser = fmt.Errorf("all uids from %d to %d are in use", firstUser, lastUser)

// users is a folder with a file for each uid that replicas take. The platforms of a machine share it,
// and nobody but root may write there. A uid is held by the lock on its file: that belongs to
// whoever has the open file, platform and shim, and the kernel frees it when both are gone (flock(2)).
type users string

// take holds the next free uid after the one that was taken last, so that what a replica left behind
// in folders that all can write to falls to another one as late as can be.
func (in users) take() (int, *os.File, error) {
	const all = lastUser - firstUser + 1
	after := in.last() - firstUser
	for n := 1; n <= all; n++ {
		user := firstUser + (after+n)%all
		held, err := in.hold(user)
		if err != nil {
			return 0, nil, err
		}
		if held == nil {
			continue
		}
		// What is left of a replica that lost platform and shim at once, or somebody else's altogether.
		if occupied(user) {
			held.Close()
			continue
		}
		if err := os.WriteFile(filepath.Join(string(in), lastTaken), []byte(strconv.Itoa(user)), 0o600); err != nil {
			held.Close()
			return 0, nil, fmt.Errorf("note the last uid: %w", err)
		}
		return user, held, nil
	}
	return 0, nil, errNoUser
}

// last gives the uid that was taken last, or the one before the first.
func (in users) last() int {
	text, err := os.ReadFile(filepath.Join(string(in), lastTaken))
	if err != nil {
		return lastUser
	}
	user, err := strconv.Atoi(strings.TrimSpace(string(text)))
	if err != nil || user < firstUser || user > lastUser {
		return lastUser
	}
	return user
}

// hold takes one uid; it gives nil when somebody else has it.
func (in users) hold(user int) (*os.File, error) {
	f, err := os.OpenFile(filepath.Join(string(in), strconv.Itoa(user)), os.O_RDWR|os.O_CREATE|unix.O_NOFOLLOW, 0o600)
	if err != nil {
		return nil, fmt.Errorf("hold uid %d: %w", user, err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if err == nil {
		return f, nil
	}
	f.Close()
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, nil
	}
	return nil, fmt.Errorf("hold uid %d: %w", user, err)
}

// systemFolders are where root keeps what no other user may touch, best first: the first does not
// outlive the machine's run.
var systemFolders = [...]string{"/run", "/var/lib"}

// ownFolder makes lanyard/NAME in the first system folder that will do.
func ownFolder(name string, mode fs.FileMode, fit func(dir string) error) (string, error) {
	var all error
	for _, top := range systemFolders {
		dir, err := ownFolderIn(top, name, mode)
		if err == nil {
			err = fit(dir)
		}
		if err == nil {
			return dir, nil
		}
		all = errors.Join(all, err)
	}
	return "", all
}

// ownFolderIn makes lanyard/NAME in a folder where nobody else can put anything in its place.
func ownFolderIn(top, name string, mode fs.FileMode) (string, error) {
	if err := isOwn(top); err != nil {
		return "", err
	}
	between := filepath.Join(top, "lanyard")
	dir := filepath.Join(between, name)
	return dir, errors.Join(makeOwn(between, 0o755), makeOwn(dir, mode))
}

func makeOwn(dir string, mode fs.FileMode) error {
	if err := os.Mkdir(dir, mode); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	if err := isOwn(dir); err != nil {
		return err
	}
	return os.Chmod(dir, mode) // whatever the umask says
}

// isOwn sees to it that a folder is ours, and that nobody else may write to it.
func isOwn(dir string) error {
	s, err := os.Lstat(dir)
	if err != nil {
		return err
	}
	is, ok := s.Sys().(*syscall.Stat_t)
	if !ok || !s.IsDir() || int(is.Uid) != os.Getuid() || s.Mode().Perm()&0o022 != 0 {
		return fmt.Errorf("%s is no folder of this user's alone", dir)
	}
	return nil
}
