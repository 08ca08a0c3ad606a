package platform

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// logs streams an app's console, a JSON line each.
func (p *Platform) logs(ctx context.Context, app cloud.ID, w http.ResponseWriter, r *http.Request) error {
	q := queryOf(r)
	tail := q.most("tail", 0, 0)
	if q.err != nil {
		return q.err
	}
	past, news := p.console.Tail(app, tail), (<-chan Line)(nil)
	if q.Get("follow") == "true" {
		past, news = p.console.Follow(ctx, app, tail)
	}
	enc := json.NewEncoder(w)
	for _, l := range past {
		if err := enc.Encode(l); err != nil {
			return err
		}
	}
	if news == nil {
		return nil
	}
	flush := http.NewResponseController(w)
	for {
		if err := flush.Flush(); err != nil {
			return nil // the reader went away
		}
		select {
		case <-p.ending:
			return nil
		case l, open := <-news:
			if !open {
				return nil
			}
			if err := enc.Encode(l); err != nil {
				return nil
			}
		}
	}
}

// late is how long the replicas of an app that is gone may take to end, and speak.
const late = 2 * 30 * time.Second

// forget gives up what apps said that are gone, until ctx ends: at once, and again when their
// replicas have ended, who may have spoken meanwhile. What an earlier life left is taken away first.
func (p *Platform) forget(ctx context.Context) error {
	tick := time.NewTicker(late)
	defer tick.Stop()
	changes := p.store.Watch(ctx, cloud.KeysApp, 0)
	gone := map[string]time.Time{}
	give := func(key string) {
		app, err := cloud.ParseID(strings.TrimPrefix(key, cloud.KeysApp))
		if err == nil {
			err = p.console.Forget(app)
		}
		if err != nil {
			p.log.Error("console lines of an app that is gone stay", httpkit.KeyApp, key, httpkit.KeyError, err)
		}
	}
	for {
		select {
		case batch, open := <-changes:
			if !open {
				return nil
			}
			if batch.Reset {
				p.retain(batch.Events)
			}
			for _, e := range batch.Events {
				if delete(gone, e.Key); e.Value == nil {
					gone[e.Key] = time.Now()
					give(e.Key)
				}
			}
		case now := <-tick.C:
			for key, since := range gone {
				if now.Sub(since) >= late {
					delete(gone, key)
					give(key)
				}
			}
		}
	}
}

// retain keeps the console lines of those apps alone.
func (p *Platform) retain(described []store.Event) {
	var apps []cloud.ID
	for _, e := range described {
		app, err := cloud.ParseID(strings.TrimPrefix(e.Key, cloud.KeysApp))
		if err != nil {
			p.log.Error("console lines of apps that are gone stay", httpkit.KeyApp, e.Key, httpkit.KeyError, err)
			return
		}
		apps = append(apps, app)
	}
	if err := p.console.Retain(apps); err != nil {
		p.log.Error("console lines of apps that are gone stay", httpkit.KeyError, err)
	}
}
