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
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Each replica that runs as a user of its own takes one of these uids. They lie where systemd's
// table of uids ("Users, Groups, UIDs and GIDs on systemd systems") leaves a gap.
const (
	firstUser = 61000
	lastUser  = 61183
)

// homePrefix begins the names of private homes; draftPrefix those of homes being made.
const (
	homePrefix  = ".lanyard-home-"
	draftPrefix = ".lanyard-draft-"
)

// home is a replica's private folder, 0700, with the replica's uid reserved on this machine. The
// folder is locked by the platform, so that one whose lock is free is known to be left over.
type home struct {
	path string
	user int      // uid; 0 when the replica has none of its own
	held *os.File // the reservation of the uid
	lock *os.File
	once sync.Once
}

// temp gives the folder for temporary files in the home.
func (h *home) temp() string { return filepath.Join(h.path, "tmp") }

// claimHome makes a home in a folder, with a uid of its own or not.
func claimHome(in, replica string, own bool) (*home, error) {
	draft, err := os.MkdirTemp(in, draftPrefix)
	if err != nil {
		return nil, err
	}
	h, err := lockHome(draft)
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(draft))
	}
	if err := os.Mkdir(h.temp(), 0o700); err != nil {
		h.release()
		return nil, err
	}
	if own {
		err = h.settle(in)
	} else {
		err = h.move(filepath.Join(in, homePrefix+replica))
	}
	if err != nil {
		h.release()
		return nil, err
	}
	return h, nil
}

// settle takes the first free uid.
func (h *home) settle(in string) error {
	for user := firstUser; user <= lastUser; user++ {
		held, err := reserve(user)
		if err != nil {
			return err
		}
		if held == nil {
			continue
		}
		err = h.move(filepath.Join(in, homePrefix+strconv.Itoa(user)))
		if err != nil {
			held.Close()
		}
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return err
		}
		h.user, h.held = user, held
		return errors.Join(os.Lchown(h.temp(), user, user), os.Lchown(h.path, user, user))
	}
	return fmt.Errorf("all uids from %d to %d are in use", firstUser, lastUser)
}

func (h *home) move(to string) error {
	if err := renameNew(h.path, to); err != nil {
		return err
	}
	h.path = to
	return nil
}

// lockHome takes the lock on a folder; it fails when somebody holds it or it is no folder.
func lockHome(path string) (*home, error) {
	f, err := os.OpenFile(path, unix.O_DIRECTORY|unix.O_NOFOLLOW, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &home{path: path, lock: f}, nil
}

// sweep kills what a shim that was itself killed has left behind.
func (h *home) sweep(w walls) {
	if h != nil && !w.init() {
		slayStragglers(h)
	}
}

// release removes the home and frees its uid.
func (h *home) release() {
	if h == nil {
		return
	}
	h.once.Do(func() {
		os.RemoveAll(h.path)
		h.lock.Close()
		h.held.Close()
	})
}

// clearHomes removes the homes that a platform which was killed left behind, and kills what
// still runs in them.
func clearHomes(in string) {
	entries, _ := os.ReadDir(in) // what cannot be listed cannot be cleared either
	for _, entry := range entries {
		name, ok := strings.CutPrefix(entry.Name(), homePrefix)
		if !ok || !entry.IsDir() {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			continue
		}
		user, err := strconv.Atoi(name)
		reserved := err == nil && user >= firstUser && user <= lastUser && os.Getuid() == 0
		owner := int(info.Sys().(*syscall.Stat_t).Uid)
		if owner != os.Getuid() && !(reserved && owner == user) {
			continue
		}
		if h, err := lockHome(filepath.Join(in, entry.Name())); err == nil {
			if reserved {
				h.user = user
				h.held, _ = reserve(user) // held elsewhere: who has the uid now is not left over
			}
			if !reserved || h.held != nil {
				slayStragglers(h)
			}
			h.release()
		}
	}
}
