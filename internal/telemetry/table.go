package telemetry

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strings"

	_ "modernc.org/sqlite" // the driver

	"lanyard/internal/cloud"
)

// schema is the one table of records. What can be asked for has a column of its own, in lower
// case, as Azure's names compare without regard to case.
const schema = `
create table if not exists activity (
	seq integer primary key autoincrement,
	id text not null unique,
	at integer not null, -- nanoseconds since 1970
	subscription text not null,
	grp text not null,
	resource text not null,
	provider text not null,
	correlation text not null,
	caller text not null,
	state text not null,
	body blob not null
);
create index if not exists activity_at on activity (subscription, at, seq);
create index if not exists activity_age on activity (at);
`

// openTable opens the file, which it makes 0600 beforehand: SQLite gives the files beside it the
// same mode.
func openTable(ctx context.Context, path string) (*sql.DB, error) {
	name := ":memory:"
	if path != "" {
		f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
		if err != nil {
			return nil, err
		}
		if err := errors.Join(f.Chmod(0o600), f.Close()); err != nil {
			return nil, err
		}
		name = (&url.URL{Scheme: "file", OmitHost: true, Path: path, RawQuery: "_pragma=journal_mode(wal)&_pragma=synchronous(normal)&_pragma=busy_timeout(5000)"}).String()
	}
	db, err := sql.Open("sqlite", name)
	if err != nil {
		return nil, err
	}
	db.SetMaxOpenConns(1) // one writer; and each connection to :memory: would be a database of its own
	if _, err := db.ExecContext(ctx, schema); err != nil {
		return nil, errors.Join(fmt.Errorf("make the table: %w", err), db.Close())
	}
	return db, nil
}

// columns are what a record can be found by.
type columns struct {
	subscription, group, resource, provider, correlation, caller, state string
}

// record is one of activity as the table takes it.
type record struct {
	columns
	id   string
	at   int64  // nanoseconds since 1970
	body []byte // the record itself, JSON
}

func recordOf(a cloud.Activity) record {
	body, err := json.Marshal(a)
	if err != nil {
		panic(err) // it is made of texts, numbers and a time of this century
	}
	return record{columns: columnsOf(a), id: a.ID, at: a.Time.UnixNano(), body: body}
}

// weight gives about how many bytes the record takes up in memory.
func (r record) weight() int { return 2*len(r.body) + 512 }

func (r record) insert(ctx context.Context, tx *sql.Tx) error {
	_, err := tx.ExecContext(ctx, `insert or ignore into activity
		(id, at, subscription, grp, resource, provider, correlation, caller, state, body) values (?,?,?,?,?,?,?,?,?,?)`,
		r.id, r.at, r.subscription, r.group, r.resource, r.provider, r.correlation, r.caller, r.state, r.body)
	if err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	return nil
}

func columnsOf(a cloud.Activity) columns {
	namespace, _, _ := strings.Cut(a.Operation, "/")
	low := strings.ToLower
	return columns{
		subscription: low(a.Resource.Subscription()), group: low(a.Resource.Group()), resource: a.Resource.Key(),
		provider: low(namespace), correlation: low(a.Correlation), caller: low(a.By.Name()), state: low(string(a.State)),
	}
}
