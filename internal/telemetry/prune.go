package telemetry

import (
	"context"
	"fmt"
	"time"

	"lanyard/internal/httpkit"
)

const (
	// pruneEvery is how often what is too old is taken away.
	pruneEvery = time.Hour
	// maxBytes bounds what rows take up on the disk; what is free in the file is used again.
	// maxMemory bounds them where there is no disk.
	maxBytes, maxMemory = 256 << 20, 64 << 20
	// pruneStep is how many rows are taken away at a time: whoever waits for a group to be written
	// waits for no more than one step.
	pruneStep = 1024
)

// table is one whose rows are taken away in the order of their seq, when they are older than life or
// more than most; 0 is no bound.
type table struct {
	name string
	life time.Duration
	most int64
}

// pruneSoon takes away in the background what is too old or too much, when it is time to look; mu is held.
func (l *ledger[R]) pruneSoon() {
	if l.closed || l.pruning || l.now().Sub(l.pruned) < pruneEvery && l.grown < l.most/64 {
		return
	}
	l.pruning = true
	l.work.Go(func() {
		err := l.prune(context.Background())
		l.mu.Lock()
		defer l.mu.Unlock()
		l.pruning, l.pruned, l.grown = false, l.now(), 0
		if err != nil {
			l.log.Error("old "+l.name+" cannot be taken away", httpkit.KeyError, err)
		}
	})
}

// prune takes away what is older than rows are kept, and the oldest while there are too many or all
// take up too much.
func (l *ledger[R]) prune(ctx context.Context) error {
	now := l.now()
	for _, t := range l.tables {
		if t.life > 0 {
			if err := l.drop(ctx, fmt.Sprintf(`delete from %[1]s where seq in (select seq from %[1]s where at < ? order by at limit ?)`, t.name), now.Add(-t.life).UnixNano(), pruneStep); err != nil {
				return fmt.Errorf("delete rows of long ago: %w", err)
			}
		}
		if t.most > 0 {
			// Never negative, though a negative limit would mean none.
			if err := l.drop(ctx, fmt.Sprintf(`delete from %[1]s where seq in (select seq from %[1]s order by seq limit max(0, min(?, (select count(*) from %[1]s) - ?)))`, t.name), pruneStep, t.most); err != nil {
				return fmt.Errorf("delete rows beyond the bound: %w", err)
			}
		}
	}
	oldest := fmt.Sprintf(`delete from %[1]s where seq in (select seq from %[1]s order by seq limit (select max(1, min(?, count(*) / 16)) from %[1]s))`, l.tables[0].name)
	for {
		size, err := l.size(ctx)
		if err != nil || size <= l.most {
			return err
		}
		n, err := l.step(ctx, oldest, pruneStep)
		if err != nil || n == 0 {
			return err
		}
		l.tell(size)
	}
}

// tell says once that rows go before their time.
func (l *ledger[R]) tell(size int64) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.full {
		l.log.Warn("the oldest "+l.name+" are taken away: all of them take up too much", "bytes", size, "most", l.most)
	}
	l.full = true
}

// drop takes rows away, step by step.
func (l *ledger[R]) drop(ctx context.Context, statement string, args ...any) error {
	for {
		if n, err := l.step(ctx, statement, args...); err != nil || n == 0 {
			return err
		}
	}
}

// step takes away some rows, and says how many; none when the ledger is being closed.
func (l *ledger[R]) step(ctx context.Context, statement string, args ...any) (int64, error) {
	l.mu.Lock()
	closed := l.closed
	l.mu.Unlock()
	if closed {
		return 0, nil
	}
	l.writing.Lock()
	defer l.writing.Unlock()
	gone, err := l.db.ExecContext(ctx, statement, args...)
	if err != nil {
		return 0, err
	}
	return gone.RowsAffected()
}

// size gives how many bytes of the file are in use.
func (l *ledger[R]) size(ctx context.Context) (bytes int64, err error) {
	const used = `select (c.page_count - f.freelist_count) * s.page_size from pragma_page_count c, pragma_freelist_count f, pragma_page_size s`
	if err := l.read.QueryRowContext(ctx, used).Scan(&bytes); err != nil {
		return 0, fmt.Errorf("measure %s: %w", l.name, err)
	}
	return bytes, nil
}
