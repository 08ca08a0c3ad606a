package platform

import (
	"net/http"
	"net/url"
	"strconv"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/telemetry"
)

// Records says how it stands with the records of tokens.
type Records = telemetry.Records

// Verified says whether the records of tokens are those that were written.
type Verified = telemetry.Verified

const (
	defaultTop = 50
	maxTop     = 10000
)

// signInRecords answers who got tokens and who did not. Its parameters are those of `lanyard logs signins`.
func (p *Platform) signInRecords(w http.ResponseWriter, r *http.Request) error {
	q := query{r.URL.Query(), nil}
	wanted := telemetry.Wanted{
		From: q.moment("since"), To: q.moment("until"), App: q.id("app"), Identity: q.Get("identity"), Result: telemetry.Result(q.Get("result")),
		Before: q.number("before", 0), After: q.number("after", 0), Most: q.top(),
	}
	switch wanted.Result {
	case "", telemetry.Any, telemetry.Success, telemetry.Failure:
	default:
		q.wrong("result", "it is success, failure or all")
	}
	if q.err != nil {
		return q.err
	}
	found, err := p.signIns.Find(r.Context(), wanted)
	if err != nil {
		return err
	}
	return httpkit.WriteJSON(w, http.StatusOK, map[string]any{"value": found, "records": p.signIns.Records()})
}

// deliveries answers how often tokens were given out again.
func (p *Platform) deliveries(w http.ResponseWriter, r *http.Request) error {
	q := query{r.URL.Query(), nil}
	since, most := q.moment("since"), q.top()
	if q.err != nil {
		return q.err
	}
	found, err := p.signIns.Deliveries(r.Context(), q.Get("identity"), since, most)
	if err != nil {
		return err
	}
	return httpkit.WriteJSON(w, http.StatusOK, map[string]any{"value": found})
}

// verifySignIns answers whether the records of tokens are those that were written.
func (p *Platform) verifySignIns(w http.ResponseWriter, r *http.Request) error {
	v, err := p.signIns.Verify(r.Context(), r.URL.Query().Get("head"))
	if err != nil {
		return err
	}
	return httpkit.WriteJSON(w, http.StatusOK, v)
}

// query reads parameters, and keeps the first that cannot be read.
type query struct {
	url.Values
	err error
}

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

func (q *query) top() int {
	n := q.number("top", defaultTop)
	if n < 1 || n > maxTop {
		q.wrong("top", "it is from 1 to 10000")
	}
	return int(n)
}
