//go:build unix

package process

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
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
	held *os.File // what holds the uid
	lock *os.File
	once sync.Once
}

// temp gives the folder for temporary files in the home.
func (h *home) temp() string { return filepath.Join(h.path, "tmp") }

// places tells where homes are made and where uids are held.
type places struct {
	homes string
	users users // "" when replicas have no uids of their own
}

// places finds the folders. Homes of replicas with uids of their own have the uids' names, and lie
// where nobody else can take these. A folder whose programs cannot be run is none to live in: /run is
// such a one on some systems.
func (e *Engine) places() (p places, err error) {
	if p.homes = e.Homes; !e.walls.ownUser() {
		if p.homes == "" {
			p.homes = os.TempDir()
		}
		return p, nil
	}
	if p.homes == "" {
		if p.homes, err = ownFolder("homes", 0o711, runsPrograms); err != nil {
			return p, err
		}
	}
	in, err := ownFolder("uids", 0o700, func(string) error { return nil })
	p.users = users(in)
	return p, err
}

// claim makes a home for a replica, with a uid of its own where there are some.
func (p places) claim(replica string) (*home, error) {
	in := p.homes
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
	if p.users != "" {
		err = h.settle(p)
	} else {
		err = h.move(filepath.Join(in, homePrefix+replica))
	}
	if err != nil {
		h.release()
		return nil, err
	}
	return h, nil
}

// settle gives the home a uid.
func (h *home) settle(p places) error {
	for range lastUser - firstUser + 1 {
		user, held, err := p.users.take()
		if err != nil {
			return err
		}
		err = h.move(filepath.Join(p.homes, homePrefix+strconv.Itoa(user)))
		if err == nil {
			h.user, h.held = user, held
			return errors.Join(os.Lchown(h.temp(), user, user), os.Lchown(h.path, user, user))
		}
		held.Close()
		if !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	return errNoUser
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

// clear removes the homes that a platform which was killed left behind, and kills what
// still runs in them.
func (p places) clear() {
	entries, _ := os.ReadDir(p.homes) // what cannot be listed cannot be cleared either
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
		reserved := err == nil && user >= firstUser && user <= lastUser && p.users != ""
		owner := int(info.Sys().(*syscall.Stat_t).Uid)
		if owner != os.Getuid() && !(reserved && owner == user) {
			continue
		}
		if h, err := lockHome(filepath.Join(p.homes, entry.Name())); err == nil {
			if reserved {
				h.user = user
				h.held, _ = p.users.hold(user) // held elsewhere: who has the uid now is not left over
			}
			if !reserved || h.held != nil {
				slayStragglers(h)
			}
			h.release()
		}
	}
}
