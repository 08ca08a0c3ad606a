// Package process runs a replica as a local process, under a shim that outlives nothing.
//
// It must not know apps, identities or the store: it is given a command and runs it.
//
// On Linux and other Unix systems the command runs under a shim, which is this program executed
// again. The platform holds a pipe to the shim; when that closes, however the platform ended, the
// shim kills everything below it. What else confines a replica depends on who runs the platform
// and is probed once; Boundary names it.
package process

import (
	"log/slog"
	"os"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"lanyard/internal/host"
)

// Engine is the host.Engine of local processes.
type Engine struct {
	// State is the folder that replicas must not see; "" hides none.
	State string
	// Shim is the command that calls Shim; nil is this program with the argument "shim".
	Shim []string
	// Homes is the folder in which each replica's private home is made. Others must be able to pass
	// through it, and where replicas run as users of their own nobody else may write to it. "" is, for
	// these, one that is made for them, and for all others the system's folder for temporary files.
	Homes string
	Log   *slog.Logger // nil discards

	probe   sync.Once
	walls   walls
	probing error // why better walls could not be had
}

var _ host.Engine = (*Engine)(nil)

func (e *Engine) log() *slog.Logger {
	if e.Log != nil {
		return e.Log
	}
	return slog.New(slog.DiscardHandler)
}

// complete adds what an environment must have to what it was given; nothing else of the
// platform's own environment reaches a replica.
func complete(env []string, home, temp string) []string {
	env = slices.Clone(env)
	add := func(name, value string) {
		has := slices.ContainsFunc(env, func(v string) bool { return strings.HasPrefix(v, name+"=") })
		if !has && value != "" {
			env = append(env, name+"="+value)
		}
	}
	add("PATH", os.Getenv("PATH"))
	add("LANG", os.Getenv("LANG"))
	add("HOME", home)
	add("TMPDIR", temp)
	return env
}

// running is a replica's process as the host sees it.
type running struct {
	done chan struct{}
	exit host.Exit
	root host.Root
	ask  func() // asks the command to end
	kill func() // kills everything that is left
}

// Done is closed when nothing of the replica lives any more.
func (p *running) Done() <-chan struct{} { return p.done }

// Exit says how the command ended.
func (p *running) Exit() host.Exit { return p.exit }

// Root is the shim's process, where the system tells which descend from it.
func (p *running) Root() host.Root { return p.root }

// Stop asks the command to end and kills everything that is left after grace.
func (p *running) Stop(grace time.Duration) {
	p.ask()
	select {
	case <-p.done:
		return
	case <-time.After(grace):
	}
	p.kill()
	<-p.done
}

// exitOf reads how a command ended from its wait status.
func exitOf(ws syscall.WaitStatus) host.Exit {
	if ws.Signaled() {
		return host.Exit{Code: -1, Signal: ws.Signal().String()}
	}
	return host.Exit{Code: ws.ExitStatus()}
}
