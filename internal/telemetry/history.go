package telemetry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
)

const (
	// keepActivity is how long records are kept: as long as Azure keeps its activity log.
	keepActivity = 90 * 24 * time.Hour
	// gather is how long records wait for others to be written together with them.
	gather = 200 * time.Millisecond
	// maxWaiting bounds the records that wait while the disk refuses them.
	maxWaiting = 1 << 16
	// pruneEvery is how often what is too old is taken away.
	pruneEvery = time.Hour
)

// History keeps the records of activity in one SQLite file, 0600, for 90 days. Records are
// written in groups, off the way of whoever makes them, and none is lost by an orderly end. Its
// methods may be called at once from several goroutines.
type History struct {
	db  *sql.DB
	now func() time.Time
	log *slog.Logger

	mu      sync.Mutex
	waiting []cloud.Activity
	dropped int  // of those that waited, since the disk last took any
	refused bool // the disk refused the last group
	timer   *time.Timer
	closed  bool

	writing sync.Mutex // held while a group is written
	pruned  time.Time
}

// OpenHistory opens the file at path, and makes it when there is none; "" keeps records in memory
// alone. A nil now means time.Now, a nil log discards.
func OpenHistory(ctx context.Context, path string, now func() time.Time, log *slog.Logger) (*History, error) {
	h := &History{now: now, log: log}
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
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.closed {
		return
	}
	if len(h.waiting) == maxWaiting {
		h.waiting = h.waiting[1:]
		h.dropped++
	}
	h.waiting = append(h.waiting, a)
	if h.timer == nil {
		h.timer = time.AfterFunc(gather, h.flushLater)
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
	_ = h.Flush(context.Background()) // told to the log; the next record tries again
}

// Flush writes what waits, and returns when it is on the disk.
func (h *History) Flush(ctx context.Context) error {
	h.writing.Lock()
	defer h.writing.Unlock()
	h.mu.Lock()
	group, dropped := h.waiting, h.dropped
	h.waiting, h.dropped = nil, 0
	h.mu.Unlock()
	err := h.write(ctx, group)
	h.mu.Lock()
	defer h.mu.Unlock()
	if err != nil {
		if !h.refused {
			h.log.Error("activity records wait in memory: they cannot be written", httpkit.KeyError, err)
		}
		h.refused, h.dropped = true, h.dropped+dropped
		h.waiting = append(group, h.waiting...)
		if over := len(h.waiting) - maxWaiting; over > 0 {
			h.waiting, h.dropped = h.waiting[over:], h.dropped+over
		}
		return err
	}
	h.refused = false
	if dropped > 0 {
		h.log.Error("activity records were lost while they could not be written", "records", dropped)
	}
	return nil
}

// write writes a group in one transaction, and takes away what is too old.
func (h *History) write(ctx context.Context, group []cloud.Activity) error {
	if len(group) == 0 {
		return nil
	}
	tx, err := h.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin group: %w", err)
	}
	for _, a := range group {
		if err := insert(ctx, tx, a); err != nil {
			return errors.Join(err, tx.Rollback())
		}
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("commit group: %w", err)
	}
	if h.now().Sub(h.pruned) >= pruneEvery {
		return h.prune(ctx)
	}
	return nil
}

func insert(ctx context.Context, tx *sql.Tx, a cloud.Activity) error {
	body, err := json.Marshal(a)
	if err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	c := columnsOf(a)
	_, err = tx.ExecContext(ctx, `insert or ignore into activity
		(id, at, subscription, grp, resource, provider, correlation, caller, state, body) values (?,?,?,?,?,?,?,?,?,?)`,
		a.ID, a.Time.UnixNano(), c.subscription, c.group, c.resource, c.provider, c.correlation, c.caller, c.state, body)
	if err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	return nil
}

// prune takes away what is older than records are kept.
func (h *History) prune(ctx context.Context) error {
	h.pruned = h.now()
	_, err := h.db.ExecContext(ctx, `delete from activity where at < ?`, h.pruned.Add(-keepActivity).UnixNano())
	return err
}

// Close writes what waits and closes the file.
func (h *History) Close() error {
	h.mu.Lock()
	h.closed = true
	if h.timer != nil {
		h.timer.Stop()
	}
	h.mu.Unlock()
	return errors.Join(h.Flush(context.Background()), h.db.Close())
}
