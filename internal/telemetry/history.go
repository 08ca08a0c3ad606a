package telemetry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
)

const (
	// gather is how long records wait for others to be written together with them.
	gather = 200 * time.Millisecond
	// longestPause bounds the time between two attempts while the disk refuses records.
	longestPause = time.Minute
	// maxWaiting and maxWaitingBytes bound the records that wait while the disk refuses them.
	maxWaiting, maxWaitingBytes = 1 << 16, 16 << 20
)

// History keeps the records of activity in one SQLite file, 0600, for 90 days and up to 256 MiB:
// the oldest go first. Records are written in groups, off the way of whoever makes them, and none
// is lost by an orderly end. Its methods may be called at once from several goroutines.
type History struct {
	db  *sql.DB
	now func() time.Time
	log *slog.Logger

	mu      sync.Mutex
	waiting []record
	weight  int           // bytes of those that wait
	dropped int           // of those that waited, since the disk last took any
	refused bool          // the disk refused the last group
	pause   time.Duration // until the next group is written
	timer   *time.Timer
	closed  bool

	writing sync.Mutex // held while a group is written
	pruned  time.Time
	most    int64 // bytes on the disk
	full    bool  // it has been said that there were more
}

// OpenHistory opens the file at path, and makes it when there is none; "" keeps records in memory
// alone. A nil now means time.Now, a nil log discards.
func OpenHistory(ctx context.Context, path string, now func() time.Time, log *slog.Logger) (*History, error) {
	h := &History{now: now, log: log, pause: gather, most: maxBytes}
	if h.now == nil {
		h.now = time.Now
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	var err error
	if h.db, err = openTable(ctx, path); err != nil {
		return nil, fmt.Errorf("open activity records: %w", err)
	}
	if err := h.prune(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("prune activity records: %w", err), h.db.Close())
	}
	return h, nil
}

// Record keeps a record. It never waits for the disk.
func (h *History) Record(a cloud.Activity) {
	r := recordOf(a)
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	h.queue(r)
	h.arm()
}

// queue lets records wait, and drops the oldest of those that wait as far as they are too many;
// h.mu is held.
func (h *History) queue(more ...record) {
	h.waiting = append(h.waiting, more...)
	for _, r := range more {
		h.weight += r.weight()
	}
	over := 0
	for ; len(h.waiting)-over > maxWaiting || h.weight > maxWaitingBytes && over < len(h.waiting); over++ {
		h.weight -= h.waiting[over].weight()
	}
	clear(h.waiting[:over])
	h.waiting, h.dropped = h.waiting[over:], h.dropped+over
}

// arm sees to it that what waits will be written; h.mu is held.
func (h *History) arm() {
	if h.timer == nil && !h.closed {
		h.timer = time.AfterFunc(h.pause, h.flushLater)
	}
}

func (h *History) flushLater() {
	h.mu.Lock()
	h.timer = nil
	closed := h.closed
	h.mu.Unlock()
	if closed {
		return // Close writes what waits
	}
	_ = h.Flush(context.Background()) // told to the log, and tried again
}

// Flush writes what waits, and returns when it is on the disk. What the disk refuses is tried
// again by itself, after pauses that grow.
func (h *History) Flush(ctx context.Context) error {
	h.writing.Lock()
	defer h.writing.Unlock()
	h.mu.Lock()
	group, dropped := h.waiting, h.dropped
	h.waiting, h.weight, h.dropped = nil, 0, 0
	h.mu.Unlock()
	err := h.write(ctx, group)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		if !h.refused {
			h.log.Error("activity records wait in memory: they cannot be written", httpkit.KeyError, err)
		}
		since := h.waiting
		h.refused, h.dropped, h.waiting, h.weight = true, h.dropped+dropped, nil, 0
		h.queue(append(group, since...)...)
		h.pause = min(2*h.pause, longestPause)
		h.arm()
		return err
	}
	if dropped > 0 {
		h.log.Error("activity records were lost while they could not be written", "records", dropped)
	}
	if h.refused && h.timer != nil {
		h.timer.Reset(gather)
	}
	h.refused, h.pause = false, gather
	return nil
}

// write writes a group in one transaction, and takes away what is too old or too much.
func (h *History) write(ctx context.Context, group []record) error {
	if len(group) == 0 {
		return nil
	}
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin group: %w", err)
	}
	for _, r := range group {
		if err := r.insert(ctx, tx); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit group: %w", err)
	}
	if err := h.prune(ctx); err != nil {
		h.log.Error("old activity records cannot be taken away", httpkit.KeyError, err)
	}
	return nil
}

// Close writes what waits and closes the file.
func (h *History) Close() error {
	h.mu.Lock()
	h.closed = true
	if h.timer != nil {
		h.timer.Stop()
	}
	h.mu.Unlock()
	err := h.Flush(context.Background())
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		h.log.Error("activity records are lost: they cannot be written", "records", len(h.waiting)+h.dropped)
	}
	return errors.Join(err, h.db.Close())
}
