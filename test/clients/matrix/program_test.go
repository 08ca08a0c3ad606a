package matrix

import (
	"bufio"
	"encoding/json"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"lanyard/test/clients/stage"
)

// question is what a program is asked in one line.
type question struct{ Library, Selector, Resource, Claims string }

// answer is what it prints.
type answer struct {
	Claims struct {
		Principal string `json:"oid"`
		App       string `json:"appid"`
		Identity  string `json:"xms_mirid"`
		Audience  string `json:"aud"`
		Token     string `json:"uti"`
	}
	Expires      int64 // seconds since 1970, as the client tells
	Value        string
	Error        string // the exception's type; "" when there was none
	Message      string
	Milliseconds int64
}

// outcome spells a refusal as the declarations do.
func (a answer) outcome() string { return a.Error + ": " + a.Message }

// programs give the command line of each program.
var programs = map[string]func(t testing.TB) []string{
	"go": func(testing.TB) []string { return []string{filepath.Join(workshop, "ask")} },
	"node": func(t testing.TB) []string {
		stage.Tool(t, "node")
		return []string{stage.Tool(t, "nodejs"), here(t, "../node/ask.js")}
	},
	"python":     func(t testing.TB) []string { return []string{stage.Tool(t, "python"), here(t, "ask/ask.py")} },
	"python2024": func(t testing.TB) []string { return []string{stage.Tool(t, "python2024"), here(t, "ask/ask.py")} },
	"java":       java,
	"az": func(t testing.TB) []string {
		return []string{"env", "AZ=" + stage.Tool(t, "az"), filepath.Join(workshop, "ask")}
	},
	"az2.45": func(t testing.TB) []string {
		return []string{"env", "AZ_BY_USERNAME=1", "AZ=" + stage.Tool(t, "az2.45"), filepath.Join(workshop, "ask")}
	},
}

func here(t testing.TB, name string) string {
	t.Helper()
	path, err := filepath.Abs(filepath.FromSlash(name))
	if err != nil {
		t.Fatal(err)
	}
	return path
}

var compile = sync.OnceValues(func() ([]byte, error) {
	return exec.Command("javac", "-d", workshop, "-cp", "../.tools/java/*", "ask/Ask.java").CombinedOutput()
})

func java(t testing.TB) []string {
	t.Helper()
	jars := stage.Tool(t, "java")
	path, err := exec.LookPath("java")
	if _, missing := exec.LookPath("javac"); err != nil || missing != nil {
		stage.Missing(t, "java or javac is not installed")
	}
	if out, err := compile(); err != nil {
		t.Fatalf("compile: %v\n%s", err, out)
	}
	return []string{path, "-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC", "-Xshare:auto", "-cp",
		workshop + string(os.PathListSeparator) + filepath.Join(jars, "*"), "Ask"}
}

// running is a program that is asked a question at a time.
type running struct {
	t    testing.TB
	cmd  *exec.Cmd
	in   io.WriteCloser
	out  *bufio.Reader
	errs *strings.Builder
}

// begin starts a prepared program.
func begin(t testing.TB, cmd *exec.Cmd) *running {
	t.Helper()
	r := &running{t: t, cmd: cmd, errs: &strings.Builder{}}
	cmd.Stderr = r.errs
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	r.in, r.out = in, bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		t.Fatalf("start %s: %v", cmd.Path, err)
	}
	return r
}

// ask puts one question and waits for the answer.
func (r *running) ask(q question) answer {
	r.t.Helper()
	line, err := json.Marshal(q)
	if err != nil {
		r.t.Fatal(err)
	}
	if _, err := r.in.Write(append(line, '\n')); err != nil {
		r.end()
		r.t.Fatalf("ask %v: %v\n%s", r.cmd.Args, err, r.errs)
	}
	for {
		text, err := r.out.ReadString('\n')
		if err != nil {
			r.end()
			r.t.Fatalf("%v ended before it answered %s: %v\n%s", r.cmd.Args, line, err, r.errs)
		}
		var a answer
		if !strings.HasPrefix(text, "{") {
			continue // some clients write warnings there
		}
		if err := json.Unmarshal([]byte(text), &a); err != nil {
			r.t.Fatalf("%v printed %q: %v", r.cmd.Args, text, err)
		}
		return a
	}
}

// end lets the program end.
func (r *running) end() {
	r.t.Helper()
	_ = r.in.Close()
	if err := r.cmd.Wait(); err != nil && !r.t.Failed() {
		r.t.Errorf("%v: %v\n%s", r.cmd.Args, err, r.errs)
	}
}
