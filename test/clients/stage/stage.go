// Package stage starts a real platform for clients that nobody here wrote.
//
// It must not know the program's insides: it builds the program, starts it as its owner would,
// and leads the clients to it by nothing but the prepared environment.
package stage

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"
)

// Patience is how long anything that a test waits for may take, even on a busy machine: a platform's
// start or end, an app's next words, a change that shows with delay.
const Patience = time.Minute

// binaries is the folder of the built programs while [Main] runs.
var binaries string

// Main builds the program from the repository's root, runs the tests and removes what it built. When
// the variable LANYARD_BIN names a folder, the programs in it are tested instead. Use it as
//
//	func TestMain(m *testing.M) { os.Exit(stage.Main(m)) }
func Main(m *testing.M) int { return withPrograms(m.Run) }

// MainAlone is Main in a network of its own, where this process may make one: clients that look for a
// virtual machine's metadata at its fixed address find nobody else there. env is what the tests, which
// then run in another process, find in their environment.
func MainAlone(m *testing.M, env ...string) int {
	return withPrograms(func() int {
		status, ok, err := alone(append(env, "LANYARD_BIN="+binaries)...)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
		}
		if ok {
			return status
		}
		return m.Run()
	})
}

// withPrograms runs something while the programs lie in [binaries].
func withPrograms(run func() int) int {
	if binaries = os.Getenv("LANYARD_BIN"); binaries != "" {
		return run()
	}
	dir, err := os.MkdirTemp("", "lanyard-clients-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	// Replicas run as users of their own when the platform runs as root, and must get here.
	if err := os.Chmod(dir, 0o755); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	build := exec.Command("go", "build", "-o", dir+string(filepath.Separator), "lanyard/cmd/lanyard", "lanyard/examples/hello")
	if build.Dir, err = root(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	build.Stderr = os.Stderr
	if err := build.Run(); err != nil {
		fmt.Fprintln(os.Stderr, "build the programs:", err)
		return 1
	}
	binaries = dir
	return run()
}

// Stage is one running platform with a state folder of its own.
type Stage struct {
	State string // the state folder
	Dir   string // where commands run, and where world files lie

	t     testing.TB
	flags []string
	cmd   *exec.Cmd
	ended chan struct{}

	mu   sync.Mutex
	text strings.Builder // what the platform printed
}

// Start starts `lanyard up` on a free port of the loopback, with more flags if given, waits until
// it is ready, and stops it when the test ends.
func Start(t testing.TB, flags ...string) *Stage {
	t.Helper()
	if binaries == "" {
		t.Fatal("the package's TestMain does not call stage.Main")
	}
	dir := t.TempDir()
	s := &Stage{State: filepath.Join(dir, "state"), Dir: dir, t: t, flags: flags}
	s.start()
	t.Cleanup(s.stop)
	return s
}

// Restart ends the platform and starts it on the same state folder again, on another port. What
// between does meanwhile is done to a world that nobody runs.
func (s *Stage) Restart(between func()) {
	s.t.Helper()
	s.stop()
	between()
	s.start()
}

func (s *Stage) start() {
	s.t.Helper()
	s.ended = make(chan struct{})
	s.cmd = s.Command(append([]string{"up", "--listen", "127.0.0.1:0"}, s.flags...)...)
	// Nothing on a stage leaves this machine: the way to foreign hosts ends at a closed port.
	s.cmd.Env = append(s.cmd.Env, "HTTPS_PROXY=http://127.0.0.1:9")
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		s.t.Fatal(err)
	}
	s.cmd.Stderr = s.cmd.Stdout
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	ready := make(chan struct{})
	go s.read(bufio.NewReader(out), ready)
	select {
	case <-ready:
		return
	case <-s.ended:
	case <-time.After(Patience):
		_ = s.cmd.Process.Kill()
	}
	<-s.ended
	s.t.Fatalf("the platform did not come up; it printed:\n%s", s.Printed())
}

// read takes in what the platform prints, until it ends.
func (s *Stage) read(from *bufio.Reader, ready chan struct{}) {
	defer close(s.ended)
	for {
		line, err := from.ReadString('\n')
		s.mu.Lock()
		s.text.WriteString(line)
		s.mu.Unlock()
		if ready != nil && strings.HasPrefix(line, "Lanyard is ready") {
			close(ready)
			ready = nil
		}
		if err != nil {
			break
		}
	}
	_ = s.cmd.Wait()
}

// stop asks the platform to end, as Ctrl-C does, and waits for it.
func (s *Stage) stop() {
	s.t.Helper()
	if err := s.cmd.Process.Signal(os.Interrupt); err != nil { // where there are no signals, or it has ended
		_ = s.cmd.Process.Kill()
	}
	select {
	case <-s.ended:
	case <-time.After(Patience):
		s.t.Errorf("the platform did not end within %s", Patience)
		_ = s.cmd.Process.Kill()
		<-s.ended
	}
	if s.t.Failed() {
		s.t.Logf("the platform printed:\n%s", s.Printed())
	}
}

// Printed gives what the platform has printed so far: its log, and the output of its apps.
func (s *Stage) Printed() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.text.String()
}

// Command prepares `lanyard ARGS` on this platform's state folder, for instance `lanyard run`.
func (s *Stage) Command(args ...string) *exec.Cmd {
	cmd := exec.Command(filepath.Join(binaries, "lanyard"), args...)
	cmd.Dir = s.Dir
	cmd.Env = append(clean(os.Environ()), "LANYARD_STATE="+s.State,
		"PATH="+binaries+string(os.PathListSeparator)+os.Getenv("PATH"))
	return cmd
}

// Lanyard runs `lanyard ARGS` and gives what it printed; the test fails when it fails.
func (s *Stage) Lanyard(args ...string) string {
	s.t.Helper()
	o := Run(s.t, s.Command(args...))
	if o.Code != 0 {
		s.t.Fatalf("lanyard %s: exit status %d\n%s", strings.Join(args, " "), o.Code, o.Err)
	}
	return strings.TrimSpace(o.Out)
}

// JSON runs `lanyard ARGS` and decodes its answer.
func (s *Stage) JSON(into any, args ...string) {
	s.t.Helper()
	text := s.Lanyard(args...)
	if err := json.Unmarshal([]byte(text), into); err != nil {
		s.t.Fatalf("lanyard %s printed no JSON of that kind: %v\n%s", strings.Join(args, " "), err, text)
	}
}

// Seed applies a world file, given as its text.
func (s *Stage) Seed(world string) {
	s.t.Helper()
	file := filepath.Join(s.Dir, "world.yaml")
	if err := os.WriteFile(file, []byte(world), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.Lanyard("apply", file)
}

// Outcome is what a command printed, and its exit status.
type Outcome struct {
	Out, Err string
	Code     int
}

// Run runs a prepared command to its end. The test fails only when it cannot be started: its exit
// status is for the caller to judge.
func Run(t testing.TB, cmd *exec.Cmd) Outcome {
	t.Helper()
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil && cmd.ProcessState == nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	return Outcome{Out: out.String(), Err: errs.String(), Code: cmd.ProcessState.ExitCode()}
}
