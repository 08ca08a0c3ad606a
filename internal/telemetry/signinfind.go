package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"lanyard/internal/cloud"
)

// Result chooses records of sign-ins by how they ended.
type Result string

// The results.
const (
	Any     Result = "all"
	Success Result = "success"
	Failure Result = "failure"
)

// Wanted says which sign-ins are looked for. What is zero says nothing.
type Wanted struct {
	From, To time.Time
	App      cloud.ID // for which they were, or which asked
	// Identity is a principal's or client's id, a resource id, or a principal's name.
	Identity string
	Result   Result // "" means Any
	// Before gives what is older than this record, After what is newer, and that oldest first.
	Before, After int64
	Most          int // how many records are given at the most
}

// Entry is the record of a token, or of one that somebody did not get.
type Entry struct {
	Seq        int64 // grows from one record to the next
	Failed     bool
	Suppressed int64           // how many like it were left out before, as too many came at once
	Body       json.RawMessage // a cloud.SignIn, or a cloud.Refused when it failed
}

// MarshalJSON writes the record itself, and what is known about it.
func (e Entry) MarshalJSON() ([]byte, error) {
	result := Success
	if e.Failed {
		result = Failure
	}
	about := fmt.Sprintf(`{"seq":%d,"result":%q,`, e.Seq, result)
	if e.Suppressed > 0 {
		about += fmt.Sprintf(`"suppressed":%d,`, e.Suppressed)
	}
	return append([]byte(about), e.Body[1:]...), nil
}

// patienceToFind is how long Find waits for what has yet to be written.
const patienceToFind = time.Second

// Find gives sign-ins and refusals, newest first, or oldest first after a record. What was recorded
// before the call is among them, unless the disk refuses to be written.
func (s *SignIns) Find(ctx context.Context, w Wanted) ([]Entry, error) {
	ctx = context.WithoutCancel(ctx) // see History.Find
	s.catchUp(ctx, patienceToFind)
	var arms []string
	var args []any
	terms, values := w.where()
	if w.Result != Failure {
		arms, args = append(arms, `select seq, 0, 0, body from signins where `+terms), append(args, values...)
	}
	if w.Result != Success {
		arms, args = append(arms, `select seq, 1, suppressed, body from refused where `+terms), append(args, values...)
	}
	order := " order by seq desc limit ?"
	if w.After > 0 {
		order = " order by seq limit ?"
	}
	rows, err := s.read.QueryContext(ctx, strings.Join(arms, " union all ")+order, append(args, w.Most)...)
	if err != nil {
		return nil, fmt.Errorf("find sign-ins: %w", err)
	}
	defer func() { _ = rows.Close() }()
	found := []Entry{}
	for rows.Next() {
		var e Entry
		if err := rows.Scan(&e.Seq, &e.Failed, &e.Suppressed, (*[]byte)(&e.Body)); err != nil {
			return nil, fmt.Errorf("read sign-in: %w", err)
		}
		found = append(found, e)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("find sign-ins: %w", err)
	}
	return found, nil
}

// where gives the condition in SQL and its arguments.
func (w Wanted) where() (string, []any) {
	terms, args := []string{"1"}, []any{}
	add := func(term string, values ...any) { terms, args = append(terms, term), append(args, values...) }
	if !w.From.IsZero() {
		add("at >= ?", nanoseconds(w.From))
	}
	if !w.To.IsZero() {
		add("at <= ?", nanoseconds(w.To))
	}
	if !w.App.IsZero() {
		add("app = ?", w.App.Key())
	}
	if w.Identity != "" {
		who := strings.ToLower(w.Identity)
		add("? in (principal, client, identity, name)", who)
	}
	if w.Before > 0 {
		add("seq < ?", w.Before)
	}
	if w.After > 0 {
		add("seq > ?", w.After)
	}
	return strings.Join(terms, " and "), args
}

// nanoseconds gives a time as rows have it: one beyond what 64 bits hold is as far as they reach.
func nanoseconds(at time.Time) int64 {
	switch year := at.UTC().Year(); {
	case year < 1970:
		return 0
	case year > 2261:
		return math.MaxInt64
	}
	return at.UnixNano()
}

// Delivery is how often a replica was given tokens of a principal once more, in one minute.
type Delivery struct {
	Minute    time.Time         `json:"minute"`
	Replica   string            `json:"replica"`
	Principal cloud.PrincipalID `json:"principal"`
	Count     int64             `json:"count"`
}

// Deliveries gives the newest counts of minutes that have passed, newest first; of one identity, named
// as in Wanted, or of all.
func (s *SignIns) Deliveries(ctx context.Context, identity string, since time.Time, most int) ([]Delivery, error) {
	ctx = context.WithoutCancel(ctx)
	s.catchUp(ctx, patienceToFind)
	const newest = `select at, replica, principal, n from delivered where at >= ? and (? in ('', principal) or principal in
		(select principal from signins where ? in (client, identity, name))) order by seq desc limit ?`
	who := strings.ToLower(identity)
	from := int64(0)
	if !since.IsZero() {
		from = nanoseconds(since.Truncate(time.Minute))
	}
	rows, err := s.read.QueryContext(ctx, newest, from, who, who, most)
	if err != nil {
		return nil, fmt.Errorf("find deliveries: %w", err)
	}
	defer func() { _ = rows.Close() }()
	found := []Delivery{}
	for rows.Next() {
		var d Delivery
		var at int64
		if err := rows.Scan(&at, &d.Replica, &d.Principal, &d.Count); err != nil {
			return nil, fmt.Errorf("read delivery: %w", err)
		}
		d.Minute = time.Unix(0, at).UTC()
		found = append(found, d)
	}
	return found, rows.Err()
}
