package arm

import (
	"errors"
	"net"
	"net/http"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// recorded answers a call; of one that writes it keeps that it began and how it ended. A refusal
// is kept too: who tried what they may not do is what such records are read for.
func (e *Engine) recorded(to answer, w http.ResponseWriter, r *http.Request, c call) error {
	if to.operation == nil || e.Record == nil {
		return to.do(e, w, r, c)
	}
	c.record = e.begin(r, c, to.operation(c))
	seen := &witness{ResponseWriter: w, status: http.StatusOK}
	err := errors.New("the request panicked") // so it is unless the answer comes back
	defer func() { e.end(*c.record, seen.status, err) }()
	err = to.do(e, seen, r, c)
	return err
}

func (e *Engine) begin(r *http.Request, c call, operation string) *cloud.Activity {
	a := cloud.Activity{
		Request: e.draw(), Correlation: httpkit.Correlation(r.Context()), Operation: operation, Resource: c.id,
		By: c.caller, Method: r.Method, ClientRequest: clientRequest(r),
	}
	if who, ok := e.Directory.Principal(c.caller.Principal); ok {
		a.Name = who.Name
	}
	if host, _, err := net.SplitHostPort(r.RemoteAddr); err == nil {
		a.From = host
	}
	e.keep(a, cloud.ActivityStarted)
	return &a
}

// clientRequest gives what the client calls its request: Azure's clients send a GUID, and what others
// send is bounded.
func clientRequest(r *http.Request) string {
	const most = 64
	said := r.Header.Get("x-ms-client-request-id")
	if cloud.IsGUID(said) {
		return said
	}
	said = fault.Clip(said)
	return said[:min(len(said), most)]
}

// maxMessage bounds the sentence kept of a refusal, in bytes.
const maxMessage = 1 << 10

// end keeps how a request ended: with the status it was answered, or with a fault.
func (e *Engine) end(a cloud.Activity, status int, err error) {
	state := cloud.ActivitySucceeded
	switch {
	case err != nil:
		f := fault.Of(err)
		state, status, a.Fault, a.Message = cloud.ActivityFailed, f.Kind.Status(), f.Code, strings.ToValidUTF8(f.Public[:min(len(f.Public), maxMessage)], "")
	case status == http.StatusAccepted:
		state = cloud.ActivityAccepted
	}
	a.Code = status
	e.keep(a, state)
}

// departed keeps that a deletion which went on in the background has come to its end.
func (e *Engine) departed(marked *Document, err error) {
	if marked.Departure == nil || e.Record == nil {
		return
	}
	e.end(*marked.Departure, http.StatusOK, err)
}

func (e *Engine) keep(a cloud.Activity, state cloud.ActivityState) {
	a.ID, a.Time, a.State = e.draw(), e.now().UTC(), state
	e.Record(a)
}

// draw gives a new GUID: a record without one would be taken for another.
func (e *Engine) draw() string {
	id, err := cloud.NewID(e.rand())
	if err != nil {
		panic(err) // crypto/rand never fails on the systems Go supports
	}
	return id
}

// witness remembers with which status a request was answered.
type witness struct {
	http.ResponseWriter
	status int
	wrote  bool
}

// WriteHeader passes the status on.
func (s *witness) WriteHeader(status int) {
	if !s.wrote {
		s.status, s.wrote = status, true
	}
	s.ResponseWriter.WriteHeader(status)
}

// Unwrap lets http.ResponseController reach the connection.
func (s *witness) Unwrap() http.ResponseWriter { return s.ResponseWriter }
