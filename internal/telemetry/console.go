// Package telemetry keeps what apps write, who changed what, and who got tokens.
//
// It must not know who runs an app or serves a change, nor who reads the records.
package telemetry

import (
	"context"
	"errors"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
)

// Line is one line of a replica's console.
type Line struct {
	App       cloud.ID  `json:"app"`
	Revision  string    `json:"revision"`
	Replica   string    `json:"replica"`
	Container string    `json:"container"`
	Stream    string    `json:"stream"` // stdout, stderr, or system for what the platform says
	Time      time.Time `json:"time"`
	Text      string    `json:"text"`
}

const (
	defaultKeep  = 2000
	defaultBytes = 8 << 20
)

// Console keeps the newest lines of each app in memory, and all of them up to a bound in one
// file per app. What it kept is there again after a restart. Its methods may be called at once
// from several goroutines.
type Console struct {
	// Dir is the folder of the files, made when needed, 0700; the files are 0600. "" keeps lines in memory alone.
	Dir string
	// Keep is how many lines an app has in memory; 0 means 2000.
	Keep int
	// MaxBytes bounds an app's file; when it is full it becomes the app's one older file and a new
	// one begins. 0 means 8 MiB.
	MaxBytes int64
	Log      *slog.Logger // nil discards

	mu      sync.Mutex
	tracks  map[string]*track // by the app's key
	closing bool
}

// Append keeps a line and gives it to who follows the app. It never waits for a reader, and a
// disk that refuses the line is logged, once per app until it takes one again.
func (c *Console) Append(line Line) {
	if t := c.track(line.App); t != nil {
		t.append(line)
	}
}

// Tail gives an app's newest n lines, oldest first; it gives what there is when that is fewer,
// and never more than Keep.
func (c *Console) Tail(app cloud.ID, n int) []Line {
	if t := c.track(app); t != nil {
		return t.tail(n)
	}
	return nil
}

// Follow gives what Tail does, and sends every line after those until ctx ends or the console
// closes; then it closes the channel. A reader too slow for its app misses lines, and is told how
// many by a line of the stream "system".
func (c *Console) Follow(ctx context.Context, app cloud.ID, n int) ([]Line, <-chan Line) {
	t := c.track(app)
	if t == nil {
		closed := make(chan Line)
		close(closed)
		return nil, closed
	}
	tail, f := t.follow(n)
	context.AfterFunc(ctx, func() { t.unfollow(f) })
	return tail, f.lines
}

// Close closes the files and ends who follows. A closed console keeps nothing more.
func (c *Console) Close() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closing = true
	var err error
	for key, t := range c.tracks {
		err = errors.Join(err, t.close())
		delete(c.tracks, key)
	}
	return err
}

// Forget gives up all that an app has said, its files too, and ends who follows it. What comes of
// the app after that begins anew.
func (c *Console) Forget(app cloud.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	var err error
	if t := c.tracks[app.Key()]; t != nil {
		err = t.close()
		delete(c.tracks, app.Key())
	}
	if c.Dir != "" {
		err = errors.Join(err, remove(pathFor(c.Dir, app)))
	}
	return err
}

// Retain takes away the files of all apps but those, and but those that somebody has asked for since
// the console began: what is left of apps that went while nobody looked.
func (c *Console) Retain(apps []cloud.ID) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.Dir == "" {
		return nil
	}
	stays := map[string]bool{}
	for _, app := range apps {
		stays[pathFor(c.Dir, app)] = true
	}
	for _, t := range c.tracks {
		stays[t.file.path] = true
	}
	entries, err := os.ReadDir(c.Dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for _, e := range entries {
		path := filepath.Join(c.Dir, strings.TrimSuffix(e.Name(), olderSuffix))
		if strings.HasSuffix(path, suffix) && !stays[path] {
			err = errors.Join(err, remove(path))
		}
	}
	return err
}

// track gives an app's track; nil when the console has closed.
func (c *Console) track(app cloud.ID) *track {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closing {
		return nil
	}
	if t := c.tracks[app.Key()]; t != nil {
		return t
	}
	if c.tracks == nil {
		c.tracks = map[string]*track{}
	}
	t := &track{app: app, ring: ring{most: c.Keep}, log: c.log().With(httpkit.KeyApp, app.String()), followers: map[*follower]bool{}}
	if t.ring.most == 0 {
		t.ring.most = defaultKeep
	}
	if c.Dir != "" {
		t.file = &file{path: pathFor(c.Dir, app), most: c.MaxBytes}
		if t.file.most == 0 {
			t.file.most = defaultBytes
		}
	}
	c.tracks[app.Key()] = t
	return t
}

func (c *Console) log() *slog.Logger {
	if c.Log != nil {
		return c.Log
	}
	return slog.New(slog.DiscardHandler)
}
