package host

import (
	"context"
	"fmt"
	"slices"
	"sync/atomic"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
)

// crew keeps the replicas of one app. It belongs to one life of the app: an app deleted and made
// again under the same name gets another crew, so that nothing of the first reaches the second.
type crew struct {
	host       *Host
	app        atomic.Pointer[cloud.App] // nil when the app is no more
	identities atomic.Pointer[[]cloud.Identity]
	poke       chan struct{}
	done       chan struct{}
	replacing  turns // whose replica is replaced for its age: one at a time
}

// want sets what the crew should keep; nil means that the app is no more.
func (c *crew) want(app *cloud.App) {
	if app == nil {
		c.identities.Store(nil)
	} else if ids := c.identities.Load(); ids == nil || !slices.Equal(*ids, app.Identities) {
		c.identities.Store(&app.Identities)
	}
	c.app.Store(app)
	select {
	case c.poke <- struct{}{}:
	default: // a poke is pending already; it will see this description
	}
}

// run keeps the replicas until the app is no more or ctx ends, and then stops them.
func (c *crew) run(ctx context.Context) {
	defer close(c.done)
	var posts []*post
	for {
		app := c.app.Load()
		posts = c.settle(ctx, posts, app)
		if app == nil {
			return
		}
		select {
		case <-c.poke:
		case <-ctx.Done():
			relieve(posts)
			return
		}
	}
}

// post is one of the places an app's replicas fill: it holds one replica after another.
type post struct {
	revision string
	cancel   context.CancelFunc
	done     chan struct{}
}

// settle brings the posts to what the description asks for. Old replicas have ended before new
// ones start: two revisions of a local process would fight for one port.
func (c *crew) settle(ctx context.Context, posts []*post, app *cloud.App) []*post {
	var stay, leave []*post
	for _, p := range posts {
		if app != nil && p.revision == app.Revision && len(stay) < app.Replicas {
			stay = append(stay, p)
		} else {
			leave = append(leave, p)
		}
	}
	relieve(leave)
	for app != nil && len(stay) < app.Replicas && ctx.Err() == nil {
		within, cancel := context.WithCancel(ctx)
		p := &post{revision: app.Revision, cancel: cancel, done: make(chan struct{})}
		go func() {
			defer close(p.done)
			c.keep(within, app)
		}()
		stay = append(stay, p)
	}
	return stay
}

// relieve ends posts, all at once, and returns when they have ended.
func relieve(posts []*post) {
	for _, p := range posts {
		p.cancel()
	}
	for _, p := range posts {
		<-p.done
	}
}

// keep runs one replica after another until ctx ends.
func (c *crew) keep(ctx context.Context, app *cloud.App) {
	var b backoff
	started := func() {}
	defer func() { started() }()
	for restarts := 0; ctx.Err() == nil; restarts++ {
		began := time.Now()
		fate, replaced := c.live(ctx, app, restarts, started)
		started = func() {}
		if replaced {
			started = c.replacing.give // when its successor has started, or cannot be
		}
		if ctx.Err() != nil {
			return
		}
		if replaced {
			fate("another with a new header takes its place")
			continue
		}
		wait := b.after(time.Since(began))
		fate("next start in " + wait.String())
		select {
		case <-ctx.Done():
		case <-time.After(wait):
		}
	}
}

// live runs one replica from start to end and gives how to say, with what comes next, what
// became of it, and whether it was ended for its age. started is called when it has started, or cannot.
func (c *crew) live(ctx context.Context, app *cloud.App, restarts int, started func()) (fate func(next string), replaced bool) {
	h := c.host
	r, err := h.admit(c, app)
	if err != nil {
		started()
		return func(next string) {
			h.log().Error("no replica", httpkit.KeyApp, app.ID.String(), httpkit.KeyError, err)
		}, false
	}
	r.Restarts = restarts
	say := func(stream, text string) {
		if h.Output != nil {
			h.Output(Line{App: app.ID, Revision: app.Revision, Replica: r.Name,
				Container: app.Container.Name, Stream: stream, Time: h.now(), Text: text})
		}
	}
	r.setUnattested(h.cannot())
	h.enter(r)
	defer h.leave(r)
	p, err := h.Engine.Start(ctx, Spec{
		Replica: r.Name, Command: slices.Concat(app.Container.Command, app.Container.Args),
		Env: h.environment(r, app.Container.Env), Dir: h.Dir, Output: say,
	})
	started()
	if err != nil {
		r.begin(Root{})
		h.log().Info("replica does not start", httpkit.KeyReplica, r.Name, httpkit.KeyError, err)
		return func(next string) { say(System, fmt.Sprintf("does not start: %v; %s", err, next)) }, false
	}
	h.settle(r, p.Root())
	h.log().Info("replica runs", httpkit.KeyReplica, r.Name, httpkit.KeyApp, app.ID.String())
	replaced = c.attend(ctx, r, p)
	h.log().Info("replica ended", httpkit.KeyReplica, r.Name, httpkit.KeyStatus, p.Exit().String())
	return func(next string) { say(System, p.Exit().String()+"; "+next) }, replaced
}

// attend returns when a replica's command has ended, which it is made to when ctx ends, or when it is the
// replica's turn to be replaced, as its header has had its time.
func (c *crew) attend(ctx context.Context, r *Replica, p Process) (replaced bool) {
	var look <-chan time.Time
	if c.host.HeaderLife > 0 {
		tick := time.NewTicker(min(time.Second, c.host.HeaderLife))
		defer tick.Stop()
		look = tick.C
	}
	for {
		select {
		case <-p.Done():
			return false
		case <-ctx.Done():
			p.Stop(c.host.grace())
			return false
		case <-look:
			if c.host.age(r.Started) < c.host.HeaderLife || !c.replacing.take(ctx) {
				continue
			}
			p.Stop(c.host.grace())
			return true
		}
	}
}

// settle takes note of the process from which a replica's descend. What nobody can tell is said.
func (h *Host) settle(r *Replica, root Root) {
	r.user = root.User
	r.begin(root)
	if why := h.unable(r); why != "" && r.Attested() {
		h.unattest(r, why)
	}
}

// environment gives a replica's environment: its container's own under what the platform prepares.
func (h *Host) environment(r *Replica, own []cloud.Variable) []string {
	if h.Prepare == nil {
		return variables(own)
	}
	return h.Merge(variables(own), h.Prepare(r))
}

// variables spells a container's environment as NAME=value.
func variables(of []cloud.Variable) []string {
	all := make([]string, len(of))
	for i, v := range of {
		all[i] = v.Name + "=" + v.Value
	}
	return all
}
