package host

import (
	"context"
	"fmt"
	"time"

	"lanyard/internal/cloud"
)

// Engine is the seam between the host and what runs a replica's command. Every driver passes
// hosttest.
type Engine interface {
	// Start runs a command and returns once it runs, or why it cannot. ctx bounds the start
	// alone; a command that has started runs until it ends or is stopped.
	Start(ctx context.Context, s Spec) (Process, error)
	// Boundary names, in a phrase for people, what keeps a replica from the platform's state and
	// from other replicas; its first words are "user account" where nothing but that does.
	Boundary() string
}

// Process is one running command with everything that it has started.
type Process interface {
	// Done is closed when nothing of it lives any more and all it wrote has been given to
	// Spec.Output.
	Done() <-chan struct{}
	// Exit says how it ended; it is meaningful once Done is closed.
	Exit() Exit
	// Root is the process from which all of it descends; the zero Root where that cannot be told.
	Root() Root
	// Stop asks it to end, kills it and everything it has started after grace, and returns when
	// Done is closed. Stopping what has ended does nothing.
	Stop(grace time.Duration)
}

// Spec is what an engine runs.
type Spec struct {
	Replica string   // the replica's name
	Command []string // program and arguments; a program without a slash is looked up in PATH
	// Env is the command's environment, NAME=value, each name once. An engine adds PATH, LANG,
	// HOME and TMPDIR where they are absent, and nothing else.
	Env []string
	Dir string // working directory; "" is the platform's own
	// Output takes one line without its end. It is called from several goroutines, one per
	// stream, and must not be slow.
	Output func(stream, text string)
}

// Exit is how a command ended.
type Exit struct {
	Code   int    // exit status; -1 when a signal or the engine ended it
	Signal string // the signal that ended it, e.g. "killed"; empty when it exited
}

// String says it for people.
func (e Exit) String() string {
	if e.Signal != "" {
		return "ended by signal: " + e.Signal
	}
	return fmt.Sprintf("exited with code %d", e.Code)
}

// The streams a Line can come from.
const (
	Stdout = "stdout"
	Stderr = "stderr"
	System = "system" // what the host itself says of a replica
)

// Line is one line of a replica's output.
type Line struct {
	App       cloud.ID
	Revision  string
	Replica   string
	Container string
	Stream    string
	Time      time.Time
	Text      string
}
