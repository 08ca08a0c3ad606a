// Package httpkit turns handlers that return errors into HTTP handlers, with one event per request.
//
// It must not know any protocol or resource.
package httpkit

import (
	"cmp"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"time"

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
		v := &visit{recorder: recorder{ResponseWriter: w, method: r.Method},
			event: event{Context: r.Context(), request: r, kept: log.Enabled(r.Context(), slog.LevelInfo)}}
		var start time.Time
		if v.kept {
			start = now()
		}
		r = r.WithContext(&v.event)
		if r.Body != http.NoBody {
			r.Body = http.MaxBytesReader(w, r.Body, bound)
		}
		cut := false
		if err := safely(h, &v.recorder, r); err != nil {
			cut = d.refuse(v, r, log, fault.Of(err))
		}
		if v.kept {
			log.LogAttrs(r.Context(), slog.LevelInfo, "request", v.attributes(slog.String(KeyDoor, d.Name),
				slog.String(KeyMethod, r.Method), slog.String(KeyHost, r.Host), slog.String(KeyPath, r.URL.Path),
				slog.Int(KeyStatus, cmp.Or(v.status, http.StatusOK)), slog.String(KeyCorrelation, v.correlation()),
				slog.Duration(KeyTook, now().Sub(start)))...)
		}
		if cut {
			panic(http.ErrAbortHandler)
		}
	})
}

// visit is one request with its answer.
type visit struct {
	recorder
	event
}

// refuse answers with a fault. An answer that has begun cannot be taken back: where it broke for
// our own fault it is to be cut off, lest half of it be taken for the whole.
func (d Door) refuse(v *visit, r *http.Request, log *slog.Logger, f *fault.Error) (cut bool) {
	v.note(KeyError, f.Error())
	if gone := r.Context().Err() != nil; f.Kind == fault.Internal && !gone {
		log.Error("internal fault", KeyDoor, d.Name, KeyCorrelation, v.correlation(), KeyError, f.Error())
	}
	if v.status != 0 {
		return f.Kind == fault.Internal && !v.taken
	}
	for name, value := range f.Header {
		v.Header().Set(name, value)
	}
	d.Speak(&v.recorder, r, f)
	return false
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
