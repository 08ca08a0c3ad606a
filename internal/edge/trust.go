package edge

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"lanyard/internal/httpkit"
)

// keepEvery is how often the files of a Trust are looked after; what cleans temporary folders takes
// files that nobody touched for days.
const keepEvery = time.Hour

// Trust is what prepared environments trust, in files that every replica can read: outside the state
// folder, which is closed to them, and where nobody else can put others in their place.
type Trust struct {
	Bundle string       // path of the PEM bundle
	Store  string       // path of the Java trust store
	Log    *slog.Logger // nil discards

	dir string
	ca  []byte
}

// PlaceTrust lays out the trust of the world in a state folder. For root it lies in /run, for all
// others in their cache folder: nothing cleans these up. Where neither is to be had it lies in a new
// folder in temporary, which every user must be able to pass.
func PlaceTrust(state, temporary string, ca []byte) (*Trust, error) {
	dir, err := trustFolder(state)
	if err != nil {
		if dir, err = os.MkdirTemp(temporary, "lanyard-trust-"); err != nil {
			return nil, fmt.Errorf("make trust folder: %w", err)
		}
	}
	t := &Trust{dir: dir, ca: ca}
	return t, t.write()
}

// trustFolder makes the folder of a state folder's world where its files are safe.
func trustFolder(state string) (string, error) {
	parent := "/run"
	if os.Geteuid() != 0 {
		cache, err := os.UserCacheDir()
		if err != nil {
			return "", err
		}
		parent = cache
	} else if s, err := os.Stat(parent); err != nil || s.Mode().Perm()&0o001 == 0 {
		return "", errors.New("no folder of the system's own that all can pass")
	}
	sum := sha256.Sum256([]byte(state))
	dir := filepath.Join(parent, "lanyard", "trust-"+hex.EncodeToString(sum[:6]))
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return "", err
	}
	return dir, areKept(filepath.Dir(dir))
}

func (t *Trust) write() (err error) {
	if err := t.make(); err != nil {
		return err
	}
	t.Bundle, t.Store, err = WriteBundle(t.dir, t.ca)
	return err
}

// make sees to it that the folder is there and is ours: in a folder for temporary files another user
// could have made it after it was removed, and put roots of their own into it.
func (t *Trust) make() error {
	if err := os.Mkdir(t.dir, 0o755); err != nil && !errors.Is(err, os.ErrExist) {
		return fmt.Errorf("make trust folder: %w", err)
	}
	s, err := os.Lstat(t.dir)
	if err != nil {
		return fmt.Errorf("make trust folder: %w", err)
	}
	if !s.IsDir() || !isOwn(s) {
		return fmt.Errorf("make trust folder: %s belongs to somebody else", t.dir)
	}
	return os.Chmod(t.dir, 0o755) // whatever the umask says
}

// Run keeps the files in place until ctx ends.
func (t *Trust) Run(ctx context.Context) error {
	tick := time.NewTicker(keepEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if err := t.keep(); err != nil && t.Log != nil {
				t.Log.Error("what replicas trust cannot be kept in place", httpkit.KeyDoor, "edge", httpkit.KeyError, err.Error())
			}
		}
	}
}

// keep writes what is gone anew, and touches what is there.
func (t *Trust) keep() error {
	now := time.Now()
	for _, file := range []string{t.dir, t.Bundle, t.Store} {
		if err := os.Chtimes(file, now, now); err != nil {
			return t.write()
		}
	}
	return nil
}

// Remove takes the files away.
func (t *Trust) Remove() error { return os.RemoveAll(t.dir) }
