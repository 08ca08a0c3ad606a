package etcd

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"go.etcd.io/etcd/api/v3/mvccpb"
	clientv3 "go.etcd.io/etcd/client/v3"

	"lanyard/internal/store"
)

// A large value lies in pieces under keys that no List or Watch of documents sees:
//
//	blob:<stage>:<key of the document> NUL <number of the piece>
//
// Its document points to them, so the value appears and goes with the one write of the pointer.
// Pieces are written before anything points to them, are never altered, and are deleted after
// nothing does; who reads them at the revision of the pointer finds them whole.
const blobs = "blob:"

// pieceSize is how long a piece is at most, in bytes.
const pieceSize = 1 << 20

// The first byte of a document's value in etcd.
const (
	inline  = "=" // the value follows
	pointed = "@" // a pointer follows
)

type pointer struct {
	Stage string `json:"stage"`
	Size  int    `json:"size"`
}

// newStage draws the name under which one transaction stages. It begins with the time, so that a
// sweep can tell what may still be in use.
func newStage() string {
	var drawn [12]byte
	rand.Read(drawn[:]) // never fails (package documentation)
	return fmt.Sprintf("%010x%s", time.Now().Unix(), hex.EncodeToString(drawn[:]))
}

func stagedAt(stage string) time.Time {
	var seconds int64
	if _, err := fmt.Sscanf(stage[:min(10, len(stage))], "%010x", &seconds); err != nil {
		return time.Time{}
	}
	return time.Unix(seconds, 0)
}

// pieces gives the prefix of a document's pieces; with no key, of all that was staged together.
func pieces(stage, key string) string {
	if key == "" {
		return blobs + stage + ":"
	}
	return blobs + stage + ":" + key + "\x00"
}

// stage writes a value's pieces and gives the pointer to them.
func (s *Store) stage(ctx context.Context, stage string, c store.Change) (string, error) {
	for n, rest := 0, c.Value; len(rest) > 0; n++ {
		piece := rest[:min(pieceSize, len(rest))]
		rest = rest[len(piece):]
		if _, err := s.client.Put(ctx, fmt.Sprintf("%s%06d", pieces(stage, c.Key), n), string(piece)); err != nil {
			return "", fmt.Errorf("write piece %d of %s: %w", n, c.Key, err)
		}
	}
	raw, err := json.Marshal(pointer{Stage: stage, Size: len(c.Value)})
	return pointed + string(raw), err
}

// pointing reads a document's value in etcd; ok is false when the value lies in it.
func pointing(raw []byte) (p pointer, ok bool, err error) {
	rest, ok := bytes.CutPrefix(raw, []byte(pointed))
	if !ok {
		return p, false, nil
	}
	err = json.Unmarshal(rest, &p)
	return p, true, err
}

// value gives the value of a document from what lies in etcd, reading pieces as of revision.
func (s *Store) value(ctx context.Context, key string, raw []byte, revision int64) ([]byte, error) {
	if rest, ok := bytes.CutPrefix(raw, []byte(inline)); ok {
		return append([]byte{}, rest...), nil
	}
	p, ok, err := pointing(raw)
	if err != nil || !ok {
		return nil, fmt.Errorf("read %s: it was not written by this store: %w", key, err)
	}
	whole := make([]byte, 0, p.Size)
	for n := 0; len(whole) < p.Size; n++ {
		name := fmt.Sprintf("%s%06d", pieces(p.Stage, key), n)
		answer, err := s.client.Get(ctx, name, s.reading(clientv3.WithRev(revision))...)
		if err != nil {
			return nil, compacted(err)
		}
		if len(answer.Kvs) == 0 {
			return nil, fmt.Errorf("read %s: piece %d of its value is missing", key, n)
		}
		whole = append(whole, answer.Kvs[0].Value...)
	}
	return whole, nil
}

// dropValue clears away the pieces that an overwritten document pointed to.
func (s *Store) dropValue(ctx context.Context, kv *mvccpb.KeyValue) {
	if p, ok, err := pointing(kv.Value); ok && err == nil {
		s.drop(ctx, p.Stage, strings.TrimPrefix(string(kv.Key), documents))
	}
}

// drop clears away pieces that nothing points to. What it fails to clear the next sweep will, so
// that is no failure of the commit that calls it.
func (s *Store) drop(ctx context.Context, stage, key string) {
	if stage == "" {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if _, err := s.client.Delete(ctx, pieces(stage, key), clientv3.WithPrefix()); err != nil {
		s.log.Debug("pieces of a large value stay until the store is opened again", "error", err)
	}
}

// sweep clears away pieces at least that old which no document points to: their writer ended
// between writing them and committing, or between overwriting them and clearing.
func (s *Store) sweep(ctx context.Context, age time.Duration) error {
	found, err := s.client.Get(ctx, blobs, s.reading(clientv3.WithPrefix(), clientv3.WithKeysOnly())...)
	if err != nil {
		return err
	}
	looked := map[string]bool{}
	for _, kv := range found.Kvs {
		name := strings.TrimPrefix(string(kv.Key), blobs)
		stage, rest, _ := strings.Cut(name, ":")
		key := rest[:max(0, strings.LastIndexByte(rest, 0))]
		if looked[pieces(stage, key)] || time.Since(stagedAt(stage)) < age {
			continue
		}
		looked[pieces(stage, key)] = true
		answer, err := s.client.Get(ctx, documents+key, s.reading()...)
		if err != nil {
			return err
		}
		if len(answer.Kvs) == 1 {
			p, ok, err := pointing(answer.Kvs[0].Value)
			if err != nil {
				return fmt.Errorf("read pointer of %s: %w", key, err)
			}
			if ok && p.Stage == stage {
				continue
			}
		}
		if _, err := s.client.Delete(ctx, pieces(stage, key), clientv3.WithPrefix()); err != nil {
			return errors.Join(fmt.Errorf("clear pieces of %s", key), err)
		}
	}
	return nil
}
