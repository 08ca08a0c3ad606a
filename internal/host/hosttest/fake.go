package hosttest

import (
	"context"
	"fmt"
	"net"
	"strings"
	"sync"
	"time"

	"lanyard/internal/host"
)

// Program is what a Fake runs under a name: asked ends when it is asked to end, killed when it is
// killed, after which its exit counts no more.
type Program func(asked, killed context.Context, s host.Spec) int

// Fake is an engine whose commands are functions; it passes Run itself.
type Fake struct {
	// Programs are the commands there are, by the first word of Spec.Command.
	Programs map[string]Program
}

var _ host.Engine = Fake{}

// Boundary names what keeps replicas apart: nothing.
func (Fake) Boundary() string { return "user account: commands are functions of this program" }

// Start runs a program.
func (f Fake) Start(ctx context.Context, s host.Spec) (host.Process, error) {
	if len(s.Command) == 0 {
		return nil, fmt.Errorf("there is no command")
	}
	program := f.Programs[s.Command[0]]
	if program == nil {
		return nil, fmt.Errorf("there is no program %q", s.Command[0])
	}
	p := &fakeProcess{done: make(chan struct{})}
	asked, ask := context.WithCancel(context.WithoutCancel(ctx))
	killed, kill := context.WithCancel(context.WithoutCancel(ctx))
	p.ask, p.kill = ask, kill
	go func() {
		defer kill()
		defer ask()
		code := make(chan int, 1)
		go func() { code <- program(asked, killed, s) }()
		select {
		case c := <-code:
			p.end(host.Exit{Code: c})
		case <-killed.Done():
			<-code
			p.end(host.Exit{Code: -1, Signal: "killed"})
		}
	}()
	return p, nil
}

type fakeProcess struct {
	ask, kill func()
	once      sync.Once
	done      chan struct{}
	exit      host.Exit
}

func (p *fakeProcess) end(e host.Exit) { p.once.Do(func() { p.exit = e; close(p.done) }) }

// Done is closed when the program has returned.
func (p *fakeProcess) Done() <-chan struct{} { return p.done }

// Exit says how it ended.
func (p *fakeProcess) Exit() host.Exit { return p.exit }

// Root gives no process: there is none.
func (p *fakeProcess) Root() host.Root { return host.Root{} }

// Stop asks the program to end, and kills it after grace.
func (p *fakeProcess) Stop(grace time.Duration) {
	p.ask()
	select {
	case <-p.done:
		return
	case <-time.After(grace):
	}
	p.kill()
	<-p.done
}

// Programs are the fake's versions of the commands that Run needs.
func Programs() map[string]Program {
	return map[string]Program{
		Speak: func(_, _ context.Context, s host.Spec) int {
			s.Output(host.Stdout, "one")
			s.Output(host.Stderr, "two")
			s.Output(host.Stdout, "three")
			return 0
		},
		Fail: func(context.Context, context.Context, host.Spec) int { return 3 },
		Obey: func(asked, _ context.Context, s host.Spec) int {
			s.Output(host.Stdout, "ready")
			<-asked.Done()
			s.Output(host.Stdout, "bye")
			return 0
		},
		Defy: func(_, killed context.Context, s host.Spec) int {
			s.Output(host.Stdout, "ready")
			<-killed.Done()
			return 0
		},
		Call: func(asked, killed context.Context, s host.Spec) int {
			for _, v := range s.Env {
				if address, ok := strings.CutPrefix(v, "CALL="); ok {
					conn, err := net.Dial("tcp", address)
					if err != nil {
						return 1
					}
					defer conn.Close()
					fmt.Fprintln(conn, "a call")
				}
			}
			select {
			case <-asked.Done():
			case <-killed.Done():
			}
			return 0
		},
		Recite: func(_, _ context.Context, s host.Spec) int {
			for _, v := range s.Env {
				s.Output(host.Stdout, v)
			}
			return 0
		},
	}
}
