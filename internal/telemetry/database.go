package telemetry

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"time"

	_ "modernc.org/sqlite" // the driver
)

// openLedger opens the file at path, and makes it when there is none; "" keeps rows in memory alone.
func openLedger[R weighed](ctx context.Context, path string, b book[R]) (*ledger[R], error) {
	l := &ledger[R]{book: b, pause: gather, marked: map[string]*sql.Stmt{}}
	if l.now == nil {
		l.now = time.Now
	}
	if l.log == nil {
		l.log = slog.New(slog.DiscardHandler)
	}
	if l.busy == 0 {
		l.busy = time.Second
	}
	if l.most == 0 {
		l.most = maxBytes
		if path == "" {
			l.most = maxMemory
		}
	}
	l.grown = l.most // so that it is looked at
	if err := l.open(ctx, path); err != nil {
		return nil, fmt.Errorf("open %s in %q: %w; move the file away to begin with new ones", l.name, path, err)
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.pruneSoon()
	return l, nil
}

// open opens the file twice: one connection writes, others read what is committed meanwhile. The file
// is made 0600 beforehand: SQLite gives those beside it the same mode.
func (l *ledger[R]) open(ctx context.Context, path string) (err error) {
	write, read := ":memory:", ""
	if path != "" {
		if err := ensureFile(path); err != nil {
			return err
		}
		common := fmt.Sprintf("_pragma=busy_timeout(%d)&_pragma=journal_mode(wal)", l.busy.Milliseconds())
		sync := "&_pragma=synchronous(normal)"
		if l.durable {
			sync = "&_pragma=synchronous(full)&_pragma=fullfsync(1)" // the second is for macOS, whose fsync leaves it to the drive
		}
		// A group takes the lock as it begins: only there does SQLite wait for another program.
		write, read = address(path, common+sync+"&_txlock=immediate"), address(path, common+"&_pragma=query_only(1)")
	}
	if l.db, err = sql.Open("sqlite", write); err != nil {
		return err
	}
	l.db.SetMaxOpenConns(1) // each connection to :memory: would be a database of its own
	if _, err := l.db.ExecContext(ctx, l.schema); err != nil {
		return errors.Join(fmt.Errorf("make the tables: %w", err), l.db.Close())
	}
	if err := l.mark(ctx); err != nil {
		return errors.Join(err, l.db.Close())
	}
	l.read = l.db
	if read == "" {
		return nil
	}
	if l.read, err = sql.Open("sqlite", read); err != nil {
		return errors.Join(err, l.db.Close())
	}
	l.read.SetMaxOpenConns(2)
	return nil
}

func address(path, query string) string {
	return (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: query}).String()
}

// ensureFile sees that there is a file, and nothing that would have its reader wait.
func ensureFile(path string) error {
	if s, err := os.Lstat(path); err == nil && !s.Mode().IsRegular() {
		return fmt.Errorf("%s is no file", path)
	}
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return err
	}
	return errors.Join(f.Chmod(0o600), f.Close())
}

// group is the transaction in which a group is written.
type group struct {
	*sql.Tx
	marked map[string]*sql.Stmt
}

// statement gives one of the book's statements, parsed already.
func (g group) statement(ctx context.Context, text string) *sql.Stmt {
	return g.StmtContext(ctx, g.marked[text])
}

// mark parses the book's statements, once.
func (l *ledger[R]) mark(ctx context.Context) error {
	for _, text := range l.statements {
		s, err := l.db.PrepareContext(ctx, text)
		if err != nil {
			return fmt.Errorf("read %q: %w", text, err)
		}
		l.marked[text] = s
	}
	return nil
}
