package telemetry

import (
	"fmt"
	"log/slog"
	"sync"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
)

// track is one app's console. What was kept earlier is read when somebody first asks for it.
type track struct {
	app cloud.ID
	log *slog.Logger

	mu        sync.Mutex
	loaded    bool
	closed    bool // it keeps nothing more
	ring      ring
	file      *file // nil keeps lines in memory alone
	refused   bool  // the file refused the last line
	followers map[*follower]bool
}

// follower is one reader of a track.
type follower struct {
	lines  chan Line
	missed int
}

// ahead is how many lines a follower may lie behind.
const ahead = 256

// open reads what was kept earlier, and reports whether the track keeps more; t.mu is held.
func (t *track) open() bool {
	if t.loaded || t.closed || t.file == nil {
		return !t.closed
	}
	t.loaded = true
	if err := t.file.load(t.app, t.ring.add); err != nil {
		t.log.Error("console lines kept earlier cannot be read", httpkit.KeyError, err)
	}
	return true
}

func (t *track) append(line Line) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.open() {
		return
	}
	t.ring.add(line)
	if t.file != nil {
		err := t.file.append(line)
		if err != nil && !t.refused {
			t.log.Error("console lines are kept in memory alone", httpkit.KeyError, err)
		}
		t.refused = err != nil
	}
	for f := range t.followers {
		f.send(line)
	}
}

// send gives a line, and before it how many were missed, as far as there is room.
func (f *follower) send(line Line) {
	if room := cap(f.lines) - len(f.lines); room == 0 || room == 1 && f.missed > 0 {
		f.missed++
		return
	}
	if f.missed > 0 {
		gap := line
		gap.Stream, gap.Text = "system", fmt.Sprintf("%d lines were written faster than they were read, and are left out here", f.missed)
		f.lines <- gap
		f.missed = 0
	}
	f.lines <- line
}

func (t *track) tail(n int) []Line {
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.open() {
		return nil
	}
	return t.ring.newest(n)
}

// follow gives the newest lines and a reader of all that come after them.
func (t *track) follow(n int) ([]Line, *follower) {
	f := &follower{lines: make(chan Line, ahead)}
	t.mu.Lock()
	defer t.mu.Unlock()
	if !t.open() {
		close(f.lines)
		return nil, f
	}
	t.followers[f] = true
	return t.ring.newest(n), f
}

func (t *track) unfollow(f *follower) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.followers[f] {
		delete(t.followers, f)
		close(f.lines)
	}
}

func (t *track) close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.closed = true
	for f := range t.followers {
		delete(t.followers, f)
		close(f.lines)
	}
	if t.file == nil {
		return nil
	}
	return t.file.close()
}

// ring holds the newest lines.
type ring struct {
	most  int
	lines []Line
	next  int // where the next line goes once the ring is full
}

func (r *ring) add(line Line) {
	if len(r.lines) < r.most {
		r.lines = append(r.lines, line)
		return
	}
	r.lines[r.next] = line
	r.next = (r.next + 1) % r.most
}

func (r *ring) newest(n int) []Line {
	n = max(0, min(n, len(r.lines)))
	out := make([]Line, 0, n)
	for i := len(r.lines) - n; i < len(r.lines); i++ {
		out = append(out, r.lines[(r.next+i)%len(r.lines)])
	}
	return out
}
