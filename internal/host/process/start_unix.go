//go:build unix

package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"

	"lanyard/internal/host"
	"lanyard/internal/httpkit"
)

// order is what the platform tells a shim, one line of JSON on the held pipe. A byte that
// follows asks the command to end; the pipe's end kills everything.
type order struct {
	Command []string // empty: build the walls and end, to see whether they can be had
	Env     []string
	Dir     string
	User    int    // the uid and gid to run under; 0 keeps the platform's
	Hide    string // the folder to cover
	Init    bool   // the shim is init of its own process and mount namespace
}

// report is what a shim tells the platform, one line when the command has started or cannot,
// another when it has ended.
type report struct {
	Error string
	Exit  host.Exit
}

// patience is how long a shim may take over what it does at once.
const patience = 10 * time.Second

// Start runs a command under a shim.
func (e *Engine) Start(ctx context.Context, s host.Spec) (host.Process, error) {
	if len(s.Command) == 0 {
		return nil, errors.New("the container has no command, and a local process cannot run an image: give it a command")
	}
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	e.probe.Do(e.choose)
	p, err := e.places()
	if err != nil {
		return nil, fmt.Errorf("find a place for homes: %w", err)
	}
	h, err := p.claim(s.Replica)
	if err != nil {
		return nil, fmt.Errorf("make the replica's home: %w", err)
	}
	dir := s.Dir
	if dir == "" {
		if dir, err = os.Getwd(); err != nil {
			h.release()
			return nil, fmt.Errorf("find the working directory: %w", err)
		}
	}
	running, err := e.shim(order{
		Command: s.Command, Env: complete(s.Env, h.path, h.temp()), Dir: dir, User: h.user, Hide: e.State,
	}, e.walls, s.Output, h)
	if err != nil {
		h.release()
		return nil, err
	}
	return running, nil
}

// Boundary names what keeps replicas apart.
func (e *Engine) Boundary() string {
	e.probe.Do(e.choose)
	if e.probing != nil && e.walls == account {
		return fmt.Sprintf("%s (%v)", e.walls, e.probing)
	}
	return e.walls.String()
}

// choose takes the best walls that can be had here, and clears away what a platform that was
// killed left behind.
func (e *Engine) choose() {
	e.wall()
	if p, err := e.places(); err == nil { // what is wrong with them Start tells
		p.clear()
	}
}

// wall takes the best walls.
func (e *Engine) wall() {
	for _, w := range wanted() {
		p, err := e.shim(order{Hide: e.State}, w, nil, nil)
		if err == nil {
			<-p.Done()
			e.walls = w
			return
		}
		e.probing = errors.Join(e.probing, fmt.Errorf("%s: %w", w, err))
	}
	e.log().Warn("replicas share the platform's user account", httpkit.KeyError, e.probing)
}

// shim starts a shim behind walls and gives it its order.
func (e *Engine) shim(o order, w walls, output func(stream, text string), h *home) (*running, error) {
	orders, hold, err := os.Pipe()
	if err != nil {
		return nil, fmt.Errorf("make the shim's pipe: %w", err)
	}
	reports, tell, err := os.Pipe()
	if err != nil {
		return nil, errors.Join(fmt.Errorf("make the shim's pipe: %w", err), orders.Close(), hold.Close())
	}
	stdout, stderr := &lines{stream: host.Stdout, out: output}, &lines{stream: host.Stderr, out: output}
	argv := e.Shim
	if argv == nil {
		argv = []string{self(), "shim"}
	}
	cmd := exec.Command(argv[0], argv[1:]...)
	cmd.Env, cmd.Dir = []string{}, "/"
	cmd.Stdout, cmd.Stderr, cmd.WaitDelay = stdout, stderr, patience
	cmd.ExtraFiles = []*os.File{orders, tell}
	if h != nil && h.held != nil {
		cmd.ExtraFiles = append(cmd.ExtraFiles, h.held) // a uid is not free while its shim lives
	}
	err = w.start(cmd)
	orders.Close()
	tell.Close()
	if err != nil {
		hold.Close()
		reports.Close()
		return nil, fmt.Errorf("start the shim: %w", err)
	}
	p := &running{done: make(chan struct{}), ask: func() { hold.Write([]byte{'\n'}) }}
	p.root = rootOf(cmd.Process.Pid, o.User)
	p.kill = func() {
		hold.Close()
		last := time.AfterFunc(patience, func() { cmd.Process.Kill() })
		go func() { <-p.done; last.Stop() }()
	}
	o.Init = w.init()
	in := bufio.NewReader(reports)
	err = handshake(hold, reports, in, o)
	end := func() {
		var last report
		if json.NewDecoder(in).Decode(&last) == nil {
			p.exit = last.Exit
		} else {
			p.exit = host.Exit{Code: -1, Signal: "its shim was killed"}
			h.sweep(w)
		}
		cmd.Wait()
		stdout.end()
		stderr.end()
		hold.Close()
		reports.Close()
		h.release()
		close(p.done)
	}
	if err != nil {
		p.kill()
		end()
		return nil, err
	}
	go end()
	return p, nil
}

// handshake gives the order and waits until the command runs.
func handshake(hold io.Writer, reports *os.File, in *bufio.Reader, o order) error {
	if err := reports.SetReadDeadline(time.Now().Add(patience)); err != nil {
		return fmt.Errorf("hear from the shim: %w", err)
	}
	line, err := json.Marshal(o)
	if err != nil {
		return fmt.Errorf("write the shim's order: %w", err)
	}
	if _, err := hold.Write(append(line, '\n')); err != nil {
		return fmt.Errorf("write the shim's order: %w", err)
	}
	answer, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("hear from the shim: %w", err)
	}
	var first report
	if err := json.Unmarshal(answer, &first); err != nil {
		return fmt.Errorf("read the shim's report: %w", err)
	}
	if first.Error != "" {
		return errors.New(first.Error)
	}
	return reports.SetReadDeadline(time.Time{})
}
