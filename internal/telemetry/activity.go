package telemetry

import (
	"context"
	"encoding/json"
	"strings"

	"lanyard/internal/cloud"
)

// activitySchema is the one table of records. What can be asked for has a column of its own, in lower
// case, as Azure's names compare without regard to case.
const activitySchema = `
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

const insertActivity = `insert or ignore into activity
	(id, at, subscription, grp, resource, provider, correlation, caller, state, body) values (?,?,?,?,?,?,?,?,?,?)`

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

func putActivity(ctx context.Context, g group, rows []record) error {
	insert := g.statement(ctx, insertActivity)
	for _, r := range rows {
		if _, err := insert.ExecContext(ctx, r.id, r.at, r.subscription, r.group, r.resource, r.provider, r.correlation, r.caller, r.state, r.body); err != nil {
			return err
		}
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
