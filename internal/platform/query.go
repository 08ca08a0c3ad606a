package platform

import (
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

const (
	// defaultTop is how many records an answer lists when nobody says.
	defaultTop = 50
	// maxListed bounds how many records, and how many lines of a console, an answer lists.
	maxListed = 10_000
)

// query reads parameters, and keeps the first that cannot be read.
type query struct {
	url.Values
	err error
}

func queryOf(r *http.Request) *query { return &query{r.URL.Query(), nil} }

func (q *query) wrong(name, why string) {
	if q.err == nil {
		q.err = fault.New(fault.Invalid, "InvalidQuery", "The parameter %s=%s cannot be read: %s.", name, fault.Clip(q.Get(name)), why)
	}
}

func (q *query) moment(name string) time.Time {
	if q.Get(name) == "" {
		return time.Time{}
	}
	at, err := time.Parse(time.RFC3339, q.Get(name))
	if err != nil {
		q.wrong(name, "a time looks like 2026-01-31T08:00:00Z")
	}
	return at
}

func (q *query) id(name string) cloud.ID {
	if q.Get(name) == "" {
		return cloud.ID{}
	}
	id, err := cloud.ParseID(q.Get(name))
	if err != nil {
		q.wrong(name, err.Error())
	}
	return id
}

func (q *query) number(name string, absent int64) int64 {
	if q.Get(name) == "" {
		return absent
	}
	n, err := strconv.ParseInt(q.Get(name), 10, 64)
	if err != nil || n < 0 {
		q.wrong(name, "it is no whole number")
	}
	return n
}

// most reads how many are wanted, from least to 10000.
func (q *query) most(name string, least, absent int) int {
	n := q.number(name, int64(absent))
	if n < int64(least) || n > maxListed {
		q.wrong(name, fmt.Sprintf("it is from %d to %d", least, maxListed))
	}
	return int(n)
}
