// Package httpkit turns handlers that return errors into HTTP handlers, with one event per request.
//
// It must not know any protocol or resource.
package httpkit

import (
	"context"
	"crypto/rand"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
)

// Handler answers a request or returns why it cannot; it never does both.
type Handler func(w http.ResponseWriter, r *http.Request) error

// Speak spells a fault in one protocol's error grammar: headers, status and body.
type Speak func(w http.ResponseWriter, r *http.Request, f *fault.Error)

// Door serves the handlers of one protocol: it bounds bodies, recovers panics, lets Speak spell
// what went wrong and logs one event per request.
type Door struct {
	Name  string // in the event, e.g. "arm"
	Speak Speak
	Log   *slog.Logger     // nil discards
	Now   func() time.Time // nil means time.Now
	// MaxBody bounds request bodies in bytes; 0 means 8 MiB, ARM's own bound (rpc).
	MaxBody int64
}

// Serve wraps one handler.
func (d Door) Serve(h Handler) http.Handler {
	log, now, bound := d.Log, d.Now, d.MaxBody
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	if now == nil {
		now = time.Now
	}
	if bound == 0 {
		bound = 8 << 20
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		start := now()
		ev := &event{id: correlation(r)}
		r = r.WithContext(context.WithValue(r.Context(), eventKey{}, ev))
		r.Body = http.MaxBytesReader(w, r.Body, bound)
		rec := &recorder{ResponseWriter: w}
		if err := safely(h, rec, r); err != nil {
			f := fault.Of(err)
			ev.note(KeyError, f.Error())
			if f.Kind == fault.Internal {
				log.Error("internal fault", KeyDoor, d.Name, KeyCorrelation, ev.id, KeyError, f.Error())
			}
			if !rec.wrote {
				for name, value := range f.Header {
					rec.Header().Set(name, value)
				}
				d.Speak(rec, r, f)
			}
		}
		attrs := append([]any{KeyDoor, d.Name, KeyMethod, r.Method, KeyHost, r.Host, KeyPath, r.URL.Path,
			KeyStatus, rec.status, KeyCorrelation, ev.id, KeyTook, now().Sub(start)}, ev.facts()...)
		log.Info("request", attrs...)
	})
}

// safely turns a panic into an Internal fault; its stack goes to the log alone.
func safely(h Handler, w http.ResponseWriter, r *http.Request) (err error) {
	defer func() {
		if p := recover(); p != nil {
			if p == http.ErrAbortHandler {
				panic(p)
			}
			err = fmt.Errorf("panic: %v\n%s", p, debug.Stack())
		}
	}()
	return h(w, r)
}

// correlation takes the caller's correlation id when it is a GUID, and draws one otherwise.
func correlation(r *http.Request) string {
	if id := r.Header.Get("x-ms-correlation-request-id"); cloud.IsGUID(id) {
		return id
	}
	id, err := cloud.NewID(rand.Reader)
	if err != nil {
		panic(err) // crypto/rand never fails on the systems Go supports
	}
	return id
}

type recorder struct {
	http.ResponseWriter
	status int
	wrote  bool
}

func (r *recorder) WriteHeader(status int) {
	if !r.wrote {
		r.status, r.wrote = status, true
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if !r.wrote {
		r.WriteHeader(http.StatusOK)
	}
	return r.ResponseWriter.Write(b)
}

// Unwrap lets http.ResponseController reach the connection.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }
