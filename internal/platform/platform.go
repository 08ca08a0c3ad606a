// Package platform turns a configuration into a running system, and is the only place that constructs one.
//
// It must not know how any part does its work: it fills in who meets whom.
package platform

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"sync"
	"sync/atomic"
	"time"

	"lanyard/guard"
	"lanyard/internal/arm"
	"lanyard/internal/clock"
	"lanyard/internal/cloud"
	"lanyard/internal/dataplane/console"
	"lanyard/internal/directory"
	"lanyard/internal/edge"
	"lanyard/internal/host"
	"lanyard/internal/host/keyfile"
	"lanyard/internal/issuer"
	"lanyard/internal/secret"
	"lanyard/internal/store"
	"lanyard/internal/telemetry"
)

// Platform is a running system.
type Platform struct {
	config Config
	log    *slog.Logger

	box       *secret.Box
	store     store.Store
	secrets   *store.View // of the vaults
	clock     *clock.Clock
	drills    drills
	directory *directory.Directory
	issuer    *issuer.Issuer
	arm       *arm.Engine
	armGuard  *guard.Guard
	host      *host.Host
	console   *telemetry.Console
	streams   *console.Door
	history   *telemetry.History
	signIns   *telemetry.SignIns
	strays    strays
	keyFiles  *keyfile.Folder // for replicas that take this host for one of Arc's
	edge      *edge.Edge
	trust     *edge.Trust
	listener  net.Listener
	metadata  net.Listener // nil without Config.Metadata

	deed  deed
	owner owner
	place place

	hosting atomic.Bool // the host follows the store

	ending  chan struct{} // closed when somebody asked for the end
	endOnce sync.Once
	failed  chan error
	// What Stop ends, in this order.
	stopHost, stopDoors, stopRest context.CancelFunc
	apps                          crew           // the host
	doors                         crew           // the edge
	rest                          crew           // every other engine
	undo                          []func() error // what Stop takes back, last first
}

// Start brings a world up and returns when it answers. ctx bounds the start alone.
func Start(ctx context.Context, config Config) (_ *Platform, err error) {
	p := &Platform{config: config, log: config.Log, ending: make(chan struct{}), failed: make(chan error, 1)}
	if p.log == nil {
		p.log = slog.New(slog.DiscardHandler)
	}
	defer func() {
		if err != nil {
			soon, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
			defer cancel()
			err = errors.Join(err, p.Stop(soon))
		}
	}()
	for _, step := range []struct {
		name string
		do   func(context.Context) error
	}{
		{"listen", p.listen},
		{"listen", p.listenMetadata},
		{"open the state folder", p.openState},
		{"build the engines", p.build},
		{"run the engines", p.runEngines},
		{"found the world", p.found},
		{"invite the owner", p.invite},
		{"keep the timing", p.keepTiming},
		{"open the doors", p.openDoors},
		{"take the seat", p.takeSeat},
		{"run the apps", p.runApps},
	} {
		if err := step.do(ctx); err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
	}
	return p, nil
}

// listen takes the port first: it is what two platforms would fight for.
func (p *Platform) listen(ctx context.Context) error {
	address := p.config.Listen
	if address == "" {
		address = "127.0.0.1:0"
	}
	hostPart, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("read address %q: %w", address, err)
	}
	if ip := net.ParseIP(hostPart); ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%s is not a loopback address: other machines need an own domain, which is not offered yet", address)
	}
	var lc net.ListenConfig
	if p.listener, err = lc.Listen(ctx, "tcp", address); err != nil {
		return err
	}
	p.onStop(func() error {
		if err := p.listener.Close(); err != nil && !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	})
	return nil
}

// Address gives host:port of the one port.
func (p *Platform) Address() string { return p.listener.Addr().String() }

// scope gives the world's subscription.
func (p *Platform) scope() cloud.ID { return cloud.MustID("/subscriptions/" + p.owner.Subscription) }

// runEngines starts every engine but the host and waits until each can answer.
func (p *Platform) runEngines(ctx context.Context) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stopRest = stop
	engines := []struct {
		name  string
		run   func(context.Context) error
		ready func(context.Context) error
	}{
		{"clock", p.clock.Run, p.clock.Ready},
		{"directory", p.directory.Run, p.directory.Ready},
		{"issuer", p.issuer.Run, p.issuer.Ready},
		{"arm", p.arm.Run, p.arm.Ready},
		{"secrets", p.secrets.Run, p.secrets.Ready},
		{"drills", p.drills.view.Run, p.drills.view.Ready},
	}
	for _, e := range engines {
		p.keep(running, &p.rest, e.name, e.run)
	}
	p.keep(running, &p.rest, "files that replicas trust", p.trust.Run)
	p.keep(running, &p.rest, "forgetting of consoles", p.forget)
	p.keep(running, &p.rest, "forgetting of recalls", p.forgetRecalls)
	ready, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	go func() {
		select {
		case err := <-p.failed:
			p.failed <- err
			cancel()
		case <-ready.Done():
		}
	}()
	for _, e := range engines {
		if err := e.ready(ready); err != nil {
			return fmt.Errorf("wait for the %s: %w", e.name, errors.Join(err, p.failure()))
		}
	}
	return nil
}

// keep runs an engine; one that ends on its own ends the platform.
func (p *Platform) keep(ctx context.Context, group *crew, name string, run func(context.Context) error) {
	group.run(name, func() {
		err := run(ctx)
		if ctx.Err() != nil {
			return
		}
		select {
		case p.failed <- fmt.Errorf("the %s ended: %w", name, err):
		default:
		}
	})
}

func (p *Platform) failure() error {
	select {
	case err := <-p.failed:
		return err
	default:
		return nil
	}
}

// runApps starts the host last: what it runs finds every door open.
func (p *Platform) runApps(ctx context.Context) error {
	running, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stopHost = stop
	p.keep(running, &p.apps, "host", p.host.Run)
	if err := p.host.Ready(ctx); err != nil {
		return err
	}
	p.hosting.Store(true)
	return nil
}

// Wait returns when ctx ends, somebody asks for the end, or an engine fails.
func (p *Platform) Wait(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return nil
	case <-p.ending:
		return nil
	case err := <-p.failed:
		return err
	}
}

// end asks whoever waits to stop the platform.
func (p *Platform) end() { p.endOnce.Do(func() { close(p.ending) }) }

func (p *Platform) onStop(undo func() error) { p.undo = append(p.undo, undo) }

// Stop ends the apps first, while the doors still answer them, then everything else. When ctx ends it
// waits no longer, and its error names what hangs. It may be called on a platform that only half
// started, and does nothing a second time.
func (p *Platform) Stop(ctx context.Context) error {
	p.end()
	var all error
	for _, part := range []struct {
		stop context.CancelFunc
		crew *crew
	}{{p.stopHost, &p.apps}, {p.stopDoors, &p.doors}, {p.stopRest, &p.rest}} {
		if part.stop != nil {
			part.stop()
			all = errors.Join(all, part.crew.wait(ctx))
		}
	}
	for i := len(p.undo) - 1; i >= 0; i-- {
		all = errors.Join(all, p.undo[i]())
	}
	p.undo = nil
	return all
}
