package telemetry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"time"

	"lanyard/internal/httpkit"
)

// arm sees to it that what waits will be written; mu is held.
func (l *ledger[R]) arm() {
	if l.timer == nil && !l.closed {
		l.timer = time.AfterFunc(l.pause, l.flushLater)
	}
}

func (l *ledger[R]) flushLater() {
	l.mu.Lock()
	l.timer = nil
	closed := l.closed
	l.mu.Unlock()
	if closed {
		return // close writes what waits
	}
	_ = l.Flush(context.Background()) // told to the log, and tried again
}

// lead has groups written as long as somebody waits for one; mu is held.
func (l *ledger[R]) lead() {
	if l.leading {
		return
	}
	l.leading = true
	l.work.Go(func() {
		for {
			_ = l.flushGroup(context.Background()) // told to those who wait, and to the log
			l.mu.Lock()
			if l.waiters == 0 || l.closed {
				l.leading = false
				l.mu.Unlock()
				return
			}
			l.mu.Unlock()
		}
	})
}

// Flush writes what waits, and returns when it is on the disk. What the disk refuses is tried
// again by itself, after pauses that grow.
func (l *ledger[R]) Flush(ctx context.Context) error {
	for {
		if err := l.flushGroup(ctx); err != nil {
			return err
		}
		l.mu.Lock()
		more := len(l.waiting) > 0
		l.mu.Unlock()
		if !more {
			return nil
		}
	}
}

func (l *ledger[R]) flushGroup(ctx context.Context) error {
	l.writing.Lock()
	defer l.writing.Unlock()
	entries, dropped, again := l.take()
	var err error
	if again || len(entries) > 0 {
		err = l.write(ctx, entries)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.began, l.taken = time.Time{}, 0
	if err != nil {
		l.refused(err, entries, dropped)
		return err
	}
	if dropped > 0 {
		l.log.Error(l.name+" were lost while they could not be written", "records", dropped)
	}
	if again {
		l.log.Warn(l.name+" are written again", "after", time.Since(l.since).Round(time.Second))
		if l.timer != nil {
			l.timer.Reset(gather)
		}
	}
	l.trouble = nil
	if len(entries) > 0 { // an empty group says little: the next full one may be refused again
		l.pause = gather
		if l.wrote != nil {
			l.wrote()
		}
	}
	for _, e := range entries {
		if e.done != nil {
			e.done <- nil
		}
	}
	l.pruneSoon()
	return nil
}

// take gives the oldest of those that wait, how many were dropped before them, and whether the disk
// refused the last group: then it is tried even with an empty one.
func (l *ledger[R]) take() (entries []*entry[R], dropped int, again bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	n := min(len(l.waiting), maxGroup)
	entries, dropped = slices.Clone(l.waiting[:n]), l.dropped
	l.waiting, l.dropped = slices.Delete(l.waiting, 0, n), 0
	for _, e := range entries {
		l.weight -= e.row.weight()
		l.grown += int64(e.row.weight())
		if e.done != nil {
			l.waiters--
		}
	}
	again = l.trouble != nil
	if n > 0 || again {
		l.began, l.taken = time.Now(), n
	}
	return entries, dropped, again
}

// refused tells those who wait, and lets the other rows of a group wait again; mu is held.
func (l *ledger[R]) refused(err error, entries []*entry[R], dropped int) {
	if l.trouble == nil {
		l.log.Error(l.name+" cannot be written", httpkit.KeyError, err)
		l.since = time.Now()
	}
	l.trouble = err
	var again []*entry[R]
	for _, e := range entries {
		waited := e.done != nil
		if waited {
			e.done <- err
			e.done = nil
		}
		if e.keep || !waited {
			again = append(again, e)
		}
	}
	since := l.waiting
	l.dropped, l.waiting, l.weight, l.waiters = l.dropped+dropped, nil, 0, 0
	l.queue(append(again, since...)...)
	l.pause = min(2*l.pause, longestPause)
	l.arm()
}

// write writes a group in one transaction.
func (l *ledger[R]) write(ctx context.Context, entries []*entry[R]) error {
	tx, err := l.db.BeginTx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin group: %w", err)
	}
	rows := make([]R, len(entries))
	for i, e := range entries {
		rows[i] = e.row
	}
	if err := l.put(ctx, group{tx, l.marked}, rows); err != nil {
		return errors.Join(fmt.Errorf("write group: %w", err), tx.Rollback())
	}
	if err := tx.Commit(); err != nil {
		return errors.Join(fmt.Errorf("commit group: %w", err), ended(tx.Rollback()))
	}
	return nil
}

// ended passes over what a transaction answers that has ended already.
func ended(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// catchUp waits until what waits has been tried, at most for a time.
func (l *ledger[R]) catchUp(ctx context.Context, most time.Duration) {
	l.mu.Lock()
	if len(l.waiting) == 0 && l.began.IsZero() && l.trouble == nil || l.closed {
		l.mu.Unlock()
		return
	}
	done := make(chan struct{})
	l.work.Go(func() {
		defer close(done)
		_ = l.Flush(ctx) // told to the log
	})
	l.mu.Unlock()
	patience := time.NewTimer(most)
	defer patience.Stop()
	select {
	case <-done:
	case <-patience.C:
	}
}

// stuck reports whether whoever waited now would wait for nothing: the disk refused the last group, or
// has been writing one for longer than most.
func (l *ledger[R]) stuck(most time.Duration) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.trouble != nil || !l.began.IsZero() && time.Since(l.began) > most
}

// Close writes what waits and closes the file.
func (l *ledger[R]) Close() error {
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return nil
	}
	l.closed = true
	if l.timer != nil {
		l.timer.Stop()
	}
	l.mu.Unlock()
	err := l.Flush(context.Background())
	l.work.Wait()
	l.mu.Lock()
	defer l.mu.Unlock()
	if err != nil {
		l.log.Error(l.name+" are lost: they cannot be written", "records", len(l.waiting)+l.dropped)
	}
	for _, s := range l.marked {
		err = errors.Join(err, s.Close())
	}
	err = errors.Join(err, l.db.Close())
	if l.read != l.db {
		err = errors.Join(err, l.read.Close())
	}
	return err
}
