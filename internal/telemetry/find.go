package telemetry

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"lanyard/internal/cloud"
)

// Search says which records are wanted. What is zero says nothing; texts compare without regard
// to case.
type Search struct {
	Subscription string // its id; "" means all records, those at the root among them
	From, To     time.Time
	Group        string   // a resource group's name
	Resource     cloud.ID // the resource itself or what lies in it
	Provider     string   // a namespace
	Correlation  string
	Caller       string // a sign-in name or client id
	State        string
	// Before gives what is older than this place, which an earlier Find gave; 0 begins with the newest.
	Before int64
	Most   int // how many records are given at the most
}

// Find gives records, newest first, and the place at which to go on; 0 when there are no more.
// What was recorded before the call is among them, unless the disk refuses to be written: then
// what it has is given.
func (h *History) Find(ctx context.Context, s Search) ([]cloud.Activity, int64, error) {
	// A reader who goes away must not take the connection along: in memory it is the database.
	ctx = context.WithoutCancel(ctx)
	h.catchUp(ctx, patienceToFind)
	where, args := s.where()
	rows, err := h.read.QueryContext(ctx, `select seq, body from activity where `+where+` order by seq desc limit ?`, append(args, s.Most+1)...)
	if err != nil {
		return nil, 0, fmt.Errorf("find records: %w", err)
	}
	defer func() { _ = rows.Close() }()
	found := []cloud.Activity{}
	var last int64
	for rows.Next() {
		if len(found) == s.Most {
			return found, last, nil
		}
		var body []byte
		if err := rows.Scan(&last, &body); err != nil {
			return nil, 0, fmt.Errorf("read record: %w", err)
		}
		var a cloud.Activity
		if err := json.Unmarshal(body, &a); err != nil {
			return nil, 0, fmt.Errorf("read record: %w", err)
		}
		found = append(found, a)
	}
	if err := rows.Err(); err != nil {
		return nil, 0, fmt.Errorf("find records: %w", err)
	}
	return found, 0, nil
}

// where gives the condition in SQL and its arguments.
func (s Search) where() (string, []any) {
	terms, args := []string{"1"}, []any{}
	add := func(term string, values ...any) { terms, args = append(terms, term), append(args, values...) }
	for column, value := range map[string]string{"subscription": s.Subscription, "grp": s.Group, "provider": s.Provider,
		"correlation": s.Correlation, "caller": s.Caller, "state": s.State} {
		if value != "" {
			add(column+" = ?", strings.ToLower(value))
		}
	}
	if !s.From.IsZero() {
		add("at >= ?", nanoseconds(s.From))
	}
	if !s.To.IsZero() {
		add("at <= ?", nanoseconds(s.To))
	}
	if key := s.Resource.Key(); key != "" && key != "/" {
		add("(resource = ? or resource >= ? and resource < ?)", key, key+"/", key+"0") // '0' follows '/'
	}
	if s.Before > 0 {
		add("seq < ?", s.Before)
	}
	return strings.Join(terms, " and "), args
}
