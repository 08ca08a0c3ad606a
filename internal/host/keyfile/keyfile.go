// Package keyfile lays one-use keys where the processes of one user alone can read them.
//
// It must not know what a key opens, nor which replica it is for.
package keyfile

import (
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

const (
	// arc is the folder from which clients take keys, and no other (wire-facts: "Azure Arc").
	arc = "/var/opt/azcmagent/tokens"
	// maxKey bounds a key in bytes: clients read no larger file (same heading).
	maxKey = 4096
	suffix = ".key"
	// stale is how old a key is that somebody left who is no more.
	stale = 10 * time.Minute
)

// Folder holds keys. Names in it are random, and nobody but its owner can list them (T9).
type Folder struct {
	Dir  string    // "" is where Arc's clients look
	Rand io.Reader // nil means crypto/rand

	mu   sync.Mutex
	root *os.Root // stays with the folder that was looked at, whatever becomes of its path
	laid map[string]bool
}

// Open makes the folder where there is none, and fails where somebody else could put another in its
// place. Opening it again does nothing.
func (f *Folder) Open() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root != nil {
		return nil
	}
	if f.Dir == "" {
		f.Dir = arc
	}
	root, err := openOwn(f.Dir)
	if err != nil {
		return fmt.Errorf("open key folder: %w", err)
	}
	f.root, f.laid = root, map[string]bool{}
	return f.sweep()
}

// sweep takes away what was left by a platform that was killed. Others of this machine may use the
// folder now: what is young may be theirs.
func (f *Folder) sweep() error {
	entries, err := fs.ReadDir(f.root.FS(), ".")
	if err != nil {
		return fmt.Errorf("list keys: %w", err)
	}
	for _, e := range entries {
		if s, err := e.Info(); err == nil && isKey(e.Name()) && time.Since(s.ModTime()) > stale {
			_ = f.root.Remove(e.Name()) // somebody else may have been faster
		}
	}
	return nil
}

func isKey(name string) bool {
	stem, ok := strings.CutSuffix(name, suffix)
	b, err := hex.DecodeString(stem)
	return ok && err == nil && len(b) == 16
}

// Place writes a key to a new file that the processes of uid can read, and nobody else, and gives its
// path.
func (f *Folder) Place(key []byte, uid int) (path string, err error) {
	if len(key) == 0 || len(key) > maxKey {
		return "", fmt.Errorf("lay key: it has %d bytes", len(key))
	}
	if err := f.Open(); err != nil {
		return "", err
	}
	var random [16]byte
	source := f.Rand
	if source == nil {
		source = rand.Reader
	}
	if _, err := io.ReadFull(source, random[:]); err != nil {
		return "", fmt.Errorf("lay key: %w", err)
	}
	name := hex.EncodeToString(random[:]) + suffix
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root == nil {
		return "", errors.New("lay key: the folder was closed")
	}
	if err := f.write(name, key, uid); err != nil {
		return "", fmt.Errorf("lay key: %w", err)
	}
	f.laid[name] = true
	return filepath.Join(f.Dir, name), nil
}

// write makes the file, which must be new: a link that waits there is not followed.
func (f *Folder) write(name string, key []byte, uid int) error {
	file, err := f.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o400)
	if err != nil {
		return err
	}
	_, err = file.Write(key)
	if err == nil && uid != os.Geteuid() {
		err = file.Chown(uid, -1)
	}
	if err = errors.Join(err, file.Close()); err != nil {
		err = errors.Join(err, f.root.Remove(name))
	}
	return err
}

// Remove takes a key away. One that is not there, or was not laid here, is none.
func (f *Folder) Remove(path string) error {
	name := filepath.Base(path)
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root == nil || !f.laid[name] || filepath.Join(f.Dir, name) != path {
		return nil
	}
	delete(f.laid, name)
	if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("remove key: %w", err)
	}
	return nil
}

// Close takes away every key that is still there. Nothing is laid afterwards.
func (f *Folder) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.root == nil {
		return nil
	}
	var all error
	for name := range f.laid {
		if err := f.root.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) {
			all = errors.Join(all, err)
		}
	}
	all = errors.Join(all, f.root.Close())
	f.root, f.laid = nil, nil
	return all
}
