// Package console streams the logs of container apps to holders of a ticket.
//
// It must not know how apps are run, nor who may be given a ticket.
package console

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"strings"
	"sync"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/telemetry"
)

const (
	// Life is how long a ticket opens its app's console.
	Life = time.Hour
	// maxTickets bounds how many tickets there are at a time.
	maxTickets = 10_000
)

// Door serves the streams of all apps. Its zero value but for Console is ready.
type Door struct {
	Console *telemetry.Console
	// Ending ends every stream when it is closed; nil never does.
	Ending <-chan struct{}
	Now    func() time.Time // nil means time.Now
	Rand   io.Reader        // nil means crypto/rand
	Log    *slog.Logger     // nil discards

	mu      sync.Mutex
	tickets map[[sha256.Size]byte]ticket // by the ticket's hash: what is kept opens nothing
}

// ticket is what a caller of getAuthToken was given: one app's console for a while.
type ticket struct {
	app     cloud.ID
	expires time.Time
}

// Issue gives a ticket for an app's console, and when it expires.
func (d *Door) Issue(app cloud.ID) (string, time.Time, error) {
	source := d.Rand
	if source == nil {
		source = rand.Reader
	}
	var drawn [32]byte
	if _, err := io.ReadFull(source, drawn[:]); err != nil {
		return "", time.Time{}, fmt.Errorf("draw ticket: %w", err)
	}
	text, now := base64.RawURLEncoding.EncodeToString(drawn[:]), d.now()
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.tickets) >= maxTickets {
		maps.DeleteFunc(d.tickets, func(_ [sha256.Size]byte, t ticket) bool { return !now.Before(t.expires) })
	}
	if len(d.tickets) >= maxTickets {
		return "", time.Time{}, fault.New(fault.TooMany, "TooManyRequests", "Too many tickets for log streams were issued within the hour.")
	}
	if d.tickets == nil {
		d.tickets = map[[sha256.Size]byte]ticket{}
	}
	expires := now.Add(Life)
	d.tickets[sha256.Sum256([]byte(text))] = ticket{app, expires}
	return text, expires, nil
}

// admit refuses a request without a living ticket for that very app.
func (d *Door) admit(r *http.Request, app cloud.ID) error {
	text, ok := strings.CutPrefix(r.Header.Get("Authorization"), "Bearer ")
	d.mu.Lock()
	t := d.tickets[sha256.Sum256([]byte(text))]
	d.mu.Unlock()
	if ok && t.app.Equal(app) && d.now().Before(t.expires) {
		return nil
	}
	return fault.New(fault.Unauthenticated, "Unauthorized", "The log stream needs a token of this app's getAuthToken operation that has not expired.").
		With("WWW-Authenticate", "Bearer")
}

func (d *Door) now() time.Time {
	if d.Now != nil {
		return d.Now()
	}
	return time.Now()
}
