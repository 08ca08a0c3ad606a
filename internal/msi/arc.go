package msi

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"time"

	"lanyard/internal/fault"
	"lanyard/internal/host"
)

const (
	challenge = "WWW-Authenticate"
	keyLife   = time.Minute // from the challenge to its answer
	maxKeys   = 4096        // that wait at once
	maxOwn    = 32          // of one replica; the oldest gives way
)

// keyring is the keys that lie in files and wait for an answer. Each opens once (T9).
type keyring struct {
	mu  sync.Mutex
	all map[[sha256.Size]byte]*key
}

// key is a key's file; of what is in it the hash alone is kept.
type key struct {
	replica *host.Replica
	path    string
	born    time.Time
	expiry  *time.Timer
}

// unlock lets a call pass that brings a key, and otherwise says in which file one lies (wire-facts:
// "Azure Arc").
func (d *Door) unlock(r *http.Request, c *call) error {
	if d.Keys == nil {
		return refuse("Arc's protocol is not offered on this system.")
	}
	given := r.Header["Authorization"]
	if len(given) == 0 {
		return d.challenge(c)
	}
	text, basic := strings.CutPrefix(given[0], "Basic ")
	if !basic || len(given) > 1 || !d.take(c.replica, text) {
		return fault.New(fault.Unauthenticated, codeKey, "The key is not one that this replica was just given: each opens once, within a minute.").
			Try("ask without Authorization for another")
	}
	return nil
}

// challenge lays a key, and refuses with its path.
func (d *Door) challenge(c *call) error {
	var random [32]byte
	if _, err := io.ReadFull(d.rand(), random[:]); err != nil {
		return fmt.Errorf("draw key: %w", err)
	}
	text := hex.EncodeToString(random[:])
	if !d.keyring.room(d, c.replica) {
		return slowDown("%d keys are out", maxKeys)
	}
	uid := c.replica.User()
	if c.attested {
		uid = c.process.UID
	}
	path, err := d.Keys.Place([]byte(text), uid)
	if err != nil {
		return fault.New(fault.Unavailable, "KeyNotLaid", "No key can be laid for the caller now.").Because(err).With("Retry-After", "5")
	}
	d.keyring.add(d, sha256.Sum256([]byte(text)), &key{replica: c.replica, path: path, born: d.now()})
	return fault.New(fault.Unauthenticated, codeKey, "Missing Basic Authorization header").With(challenge, "Basic realm="+path)
}

// take reports whether a text is a key that a replica was given, and takes it away.
func (d *Door) take(r *host.Replica, text string) bool {
	k, sum := &d.keyring, sha256.Sum256([]byte(text))
	k.mu.Lock()
	one := k.all[sum]
	if one == nil || one.replica != r { // it stays good for the replica that it is for
		k.mu.Unlock()
		return false
	}
	delete(k.all, sum)
	k.mu.Unlock()
	one.expiry.Stop()
	_ = d.Keys.Remove(one.path) // it opens nothing any more
	return d.age(one.born) < keyLife
}

// room makes room for one more key of a replica; there is none where all are out.
func (k *keyring) room(d *Door, r *host.Replica) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	own, oldest := 0, [sha256.Size]byte{}
	for sum, one := range k.all {
		if one.replica != r {
			continue
		}
		if own++; own == 1 || one.born.Before(k.all[oldest].born) {
			oldest = sum
		}
	}
	if own >= maxOwn {
		one := k.all[oldest]
		delete(k.all, oldest)
		one.expiry.Stop()
		_ = d.Keys.Remove(one.path)
	}
	return len(k.all) < maxKeys
}

// add keeps a key until its life is over.
func (k *keyring) add(d *Door, sum [sha256.Size]byte, one *key) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.all == nil {
		k.all = map[[sha256.Size]byte]*key{}
	}
	one.expiry = time.AfterFunc(keyLife, func() {
		k.mu.Lock()
		delete(k.all, sum)
		k.mu.Unlock()
		_ = d.Keys.Remove(one.path)
	})
	k.all[sum] = one
}
