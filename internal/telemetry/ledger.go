package telemetry

import (
	"context"
	"database/sql"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"time"
)

const (
	// gather is how long rows that nobody waits for wait for others to be written together with them.
	gather = 200 * time.Millisecond
	// longestPause bounds the time between two attempts while the disk refuses rows.
	longestPause = time.Minute
	// maxWaiting and maxWaitingBytes bound the rows that wait while the disk refuses them.
	maxWaiting, maxWaitingBytes = 1 << 16, 16 << 20
	// maxGroup bounds how many rows are written in one transaction, and so how long those wait that
	// come while it is.
	maxGroup = 4096
)

// ledger is one SQLite file, 0600, whose rows are written in groups and taken away when they are old
// or too many. Whoever adds a row either goes on at once, or waits until the row is on the disk: the
// first who waits has the group written, and those who come meanwhile make up the next one.
// Its methods may be called at once from several goroutines.
type ledger[R weighed] struct {
	book[R]
	db   *sql.DB // writes
	read *sql.DB // sees what is committed, and holds no writer up

	mu      sync.Mutex
	waiting []*entry[R]
	weight  int // bytes of those that wait
	waiters int // how many of those that wait have somebody who waits too
	dropped int // of those that waited, since the disk last took any
	trouble error
	since   time.Time     // of the trouble
	began   time.Time     // the group that is being written; zero while none is
	taken   int           // rows of that group
	pause   time.Duration // until what nobody waits for is written
	timer   *time.Timer
	leading bool // somebody sees to those that wait
	closed  bool
	pruning bool
	pruned  time.Time
	grown   int64          // bytes written since the size was last looked at
	full    bool           // it has been said that there were too many
	work    sync.WaitGroup // what runs besides

	writing sync.Mutex // held while the file is written
	marked  map[string]*sql.Stmt
}

// book says what a ledger holds.
type book[R weighed] struct {
	name   string // as the log calls its rows
	schema string
	tables []table // that rows are taken away from; the first gives room when all take up too much
	// durable has each group forced to the disk before anybody is told that it is written.
	durable bool
	// put writes the rows of a group, all of them in one transaction.
	put func(ctx context.Context, g group, rows []R) error
	// statements are those that put uses.
	statements []string
	// lost is told which rows that waited were given up, and wrote that a group was written, both with mu
	// held; nil is not told.
	lost  func(rows []R)
	wrote func()
	// busy is how long the file may be locked by another program; 0 means 1 s.
	busy time.Duration
	most int64 // bytes on the disk; 0 means 256 MiB
	now  func() time.Time
	log  *slog.Logger
}

// weighed is a row that says about how many bytes it takes up in memory.
type weighed interface{ weight() int }

// entry is a row that waits to be written.
type entry[R weighed] struct {
	row  R
	done chan error // told once how it ended; nil when nobody waits
	keep bool       // the row is written later when it cannot be now, though somebody waited
}

var (
	errClosed  = errors.New("the records are closed")
	errTooMany = errors.New("too many records wait for the disk")
	errSlow    = errors.New("the disk takes too long")
)

// add lets a row be written soon. It never waits for the disk.
func (l *ledger[R]) add(r R) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closed {
		return
	}
	l.queue(&entry[R]{row: r})
	l.arm()
}

// commit returns when a row is on the disk, or it is known that it is not, or after a time: then the
// row may still get there when its group was being written already. With keep it is written in any
// case, as soon as the disk takes it.
func (l *ledger[R]) commit(ctx context.Context, r R, most time.Duration, keep bool) error {
	done := make(chan error, 1)
	e := &entry[R]{row: r, done: done, keep: keep}
	l.mu.Lock()
	if l.closed {
		l.mu.Unlock()
		return errClosed
	}
	l.queue(e)
	l.lead()
	l.mu.Unlock()
	patience := time.NewTimer(most)
	defer patience.Stop()
	var why error
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		why = ctx.Err()
	case <-patience.C:
		why = errSlow
	}
	l.leave(e)
	select {
	case err := <-done: // just now
		return err
	default:
		return why
	}
}

// leave takes back a row that is waited for no longer, as far as it is not being written.
func (l *ledger[R]) leave(e *entry[R]) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := slices.Index(l.waiting, e)
	if at < 0 || e.done == nil {
		return // its group is being written, or was
	}
	l.waiters--
	if e.keep {
		e.done = nil
		l.arm()
		return
	}
	l.waiting = slices.Delete(l.waiting, at, at+1)
	l.weight -= e.row.weight()
}

// queue lets entries wait, and drops the oldest of those that wait as far as they are too many;
// mu is held.
func (l *ledger[R]) queue(more ...*entry[R]) {
	l.waiting = append(l.waiting, more...)
	for _, e := range more {
		l.weight += e.row.weight()
		if e.done != nil {
			l.waiters++
		}
	}
	var gone []R
	for len(l.waiting) > maxWaiting || l.weight > maxWaitingBytes && len(l.waiting) > 0 {
		e := l.waiting[0]
		l.waiting[0], l.waiting = nil, l.waiting[1:]
		l.weight -= e.row.weight()
		if e.done != nil {
			l.waiters--
			e.done <- errTooMany
		}
		gone = append(gone, e.row)
	}
	if len(gone) > 0 {
		l.dropped += len(gone)
		if l.lost != nil {
			l.lost(gone)
		}
	}
}
