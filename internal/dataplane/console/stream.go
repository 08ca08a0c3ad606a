package console

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"lanyard/internal/fault"
	"lanyard/internal/telemetry"
)

const (
	// tailLines is how many lines come first unless told; mostLines is az's own bound.
	tailLines = 20
	mostLines = 300
	// keptLines is how far back a container's last lines are looked for among all of its app's.
	keptLines = 10_000

	stampForm = "2006-01-02T15:04:05.0000000Z07:00"
)

// wish is what a reader of a stream wants.
type wish struct {
	follow bool
	tail   int
	write  func(http.ResponseWriter, telemetry.Line) error
}

func readWish(r *http.Request) (w wish, err error) {
	query := r.URL.Query()
	bad := func(name string) error {
		return fault.New(fault.Invalid, "InvalidQueryParameterValue", "The value of the query parameter '%s' is not one of this service's.", name)
	}
	switch strings.ToLower(query.Get("follow")) {
	case "true":
		w.follow = true
	case "", "false":
	default:
		return w, bad("follow")
	}
	switch query.Get("output") {
	case "", "text":
		w.write = writeText
	case "json":
		w.write = writeJSON
	default:
		return w, bad("output")
	}
	w.tail = tailLines
	if text := query.Get("tailLines"); text != "" {
		if w.tail, err = strconv.Atoi(text); err != nil || w.tail < 0 || w.tail > mostLines {
			return w, bad("tailLines")
		}
	}
	return w, nil
}

func writeText(w http.ResponseWriter, l telemetry.Line) error {
	_, err := fmt.Fprintf(w, "%s %s\n", l.Time.UTC().Format(stampForm), l.Text)
	return err
}

func writeJSON(w http.ResponseWriter, l telemetry.Line) error {
	return json.NewEncoder(w).Encode(map[string]string{"TimeStamp": l.Time.UTC().Format(stampForm), "Log": l.Text})
}

// stream answers with the last lines of a container, and then with each that follows.
func (d *Door) stream(w http.ResponseWriter, r *http.Request) error {
	app, err := appOf(r)
	if err != nil {
		return err
	}
	if err := d.admit(r, app); err != nil {
		return err
	}
	wanted, err := readWish(r)
	if err != nil {
		return err
	}
	tail, news := d.Console.Tail(app, keptLines), (<-chan telemetry.Line)(nil)
	if wanted.follow {
		tail, news = d.Console.Follow(r.Context(), app, keptLines)
	}
	tail = slices.DeleteFunc(tail, func(l telemetry.Line) bool { return !of(r, l) })
	tail = tail[max(0, len(tail)-wanted.tail):]
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	for _, l := range tail {
		if wanted.write(w, l) != nil {
			return nil // the reader went away
		}
	}
	if !wanted.follow {
		return nil
	}
	return d.follow(r.Context(), news, func(l telemetry.Line) bool {
		return !of(r, l) || wanted.write(w, l) == nil && http.NewResponseController(w).Flush() == nil
	}, w)
}

// follow hands on each line until the reader, or the platform, has had enough.
func (d *Door) follow(ctx context.Context, news <-chan telemetry.Line, take func(telemetry.Line) bool, w http.ResponseWriter) error {
	_ = http.NewResponseController(w).Flush() // a reader that has gone is found out by the first line
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-d.Ending:
			return nil
		case l, open := <-news:
			if !open || !take(l) {
				return nil
			}
		}
	}
}

// of reports whether a line is one that the container in the path wrote itself.
func of(r *http.Request, l telemetry.Line) bool {
	return l.Revision == r.PathValue("revision") && l.Replica == r.PathValue("replica") && l.Container == r.PathValue("container") &&
		(l.Stream == "stdout" || l.Stream == "stderr")
}
