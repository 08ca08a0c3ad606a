package platform

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
	"lanyard/internal/store"
	"lanyard/internal/telemetry"
)

// askForToken is what this program is in a replica: it asks for a token as its environment says, by way of
// another address when ASK_VIA names one, and says under a name how it was answered.
func askForToken() int {
	client := http.Client{Transport: &http.Transport{DialContext: func(ctx context.Context, network, address string) (net.Conn, error) {
		var d net.Dialer
		if via := os.Getenv("ASK_VIA"); via != "" {
			address = via
		}
		return d.DialContext(ctx, network, address)
	}}}
	r, err := http.NewRequest("GET", os.Getenv("IDENTITY_ENDPOINT")+"?api-version=2019-08-01&resource=https://vault.azure.net", nil)
	if err == nil {
		r.Header.Set("X-IDENTITY-HEADER", os.Getenv("IDENTITY_HEADER"))
		var answer *http.Response
		if answer, err = client.Do(r); err == nil {
			defer answer.Body.Close()
			body, _ := io.ReadAll(answer.Body)
			fmt.Println(os.Args[2], answer.StatusCode, strings.Contains(string(body), "access_token"))
			return 0
		}
	}
	fmt.Println(os.Args[2], err)
	return 1
}

// theatre is a stage on which replicas run scripts, and are heard.
type theatre struct {
	*stage
	dir     string // that every user can read
	program string // this one
	said    chan string
}

func newTheatre(t *testing.T) *theatre {
	t.Helper()
	if runtime.GOOS != "linux" {
		t.Skip("only on Linux can it be told which process calls")
	}
	dir, err := os.MkdirTemp("", "lanyard-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	x := &theatre{dir: dir, program: filepath.Join(dir, "ask"), said: make(chan string, 100)}
	text, err := os.ReadFile("/proc/self/exe")
	if err == nil {
		err = os.WriteFile(x.program, text, 0o755)
	}
	if err == nil {
		err = os.Chmod(dir, 0o755)
	}
	if err != nil {
		t.Fatal(err)
	}
	x.stage = newStage(t, func(c *Config) {
		c.Dir = "/"
		c.Output = func(l Line) {
			select {
			case x.said <- l.Text:
			default:
			}
		}
	})
	return x
}

// play runs a script as a replica of an app of that name, which has an identity of its own.
func (x *theatre) play(t *testing.T, name, script string) *host.Replica {
	t.Helper()
	app := x.newApp(t, name)
	text, err := x.store.Get(t.Context(), cloud.AppKey(app))
	if err != nil {
		t.Fatal(err)
	}
	var described cloud.App
	if err := json.Unmarshal(text.Value, &described); err != nil {
		t.Fatal(err)
	}
	described.Replicas = 1
	described.Container.Command = []string{"/bin/sh", "-c", strings.ReplaceAll(script, "ASK ", x.program+" ask ")}
	value, err := json.Marshal(described)
	if err != nil {
		t.Fatal(err)
	}
	revision, err := x.store.Commit(t.Context(), store.Change{Key: cloud.AppKey(app), Value: value, If: store.Any})
	if err == nil {
		err = x.host.Await(t.Context(), revision)
	}
	if err != nil {
		t.Fatal(err)
	}
	var r *host.Replica
	waitUntil(t, name+" runs", func() bool {
		for _, r = range x.host.Replicas(app) {
			return r.Alive()
		}
		return false
	})
	return r
}

// hear waits until each of the names was said something of, and gives what.
func (x *theatre) hear(t *testing.T, names ...string) map[string]string {
	t.Helper()
	heard := map[string]string{}
	last := time.After(20 * time.Second)
	for len(heard) < len(names) {
		select {
		case line := <-x.said:
			if name, outcome, _ := strings.Cut(line, " "); slices.Contains(names, name) {
				heard[name] = outcome
			}
		case <-last:
			t.Fatalf("of %v was heard %v", names, heard)
		}
	}
	return heard
}

// loot copies what opens a replica's endpoint from the environment of one of its processes, as /proc shows
// it, into a file that a shell can read.
func (x *theatre) loot(t *testing.T, r *host.Replica) []string {
	t.Helper()
	var found []string
	waitUntil(t, "the environment can be copied", func() bool {
		environs, _ := filepath.Glob("/proc/[0-9]*/environ")
		for _, path := range environs {
			text, err := os.ReadFile(path)
			if err != nil || !bytes.Contains(text, []byte("CONTAINER_APP_REPLICA_NAME="+r.Name+"\x00")) {
				continue
			}
			for v := range strings.SplitSeq(string(text), "\x00") {
				if strings.HasPrefix(v, "IDENTITY_") {
					found = append(found, v)
				}
			}
			return len(found) == 2
		}
		return false
	})
	next := filepath.Join(x.dir, "next")
	if err := os.WriteFile(next, []byte("export "+strings.Join(found, "\nexport ")+"\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Rename(next, filepath.Join(x.dir, "loot")); err != nil {
		t.Fatal(err)
	}
	return found
}

// TestAStolenHeaderOpensNothing is T4, T8 and TK-15: the header of one replica, read from its environment,
// gets no token from another replica, what that left behind, another user, this very program, or
// through a forwarder; the replica itself, its children and its orphans get theirs. Each refusal is recorded.
func TestAStolenHeaderOpensNothing(t *testing.T) {
	x := newTheatre(t)
	through := x.forwarder(t)
	mine := x.play(t, "mine", `ASK own; (setsid sh -c 'ASK child; (ASK orphan &)' &); sleep 0.1; ASK again; ASK_VIA=`+through+` ASK forwarded; exec sleep 600`)
	for name, outcome := range x.hear(t, "own", "child", "orphan", "again", "forwarded") {
		if want := map[bool]string{true: "401 false", false: "200 true"}[name == "forwarded"]; outcome != want {
			t.Errorf("of the replica's own, %s is answered %s, want %s", name, outcome, want)
		}
	}
	stolen := x.loot(t, mine)
	thief := x.play(t, "thief", `ASK honest; while [ ! -e `+x.dir+`/loot ]; do sleep 0.05; done; . `+x.dir+`/loot
		ASK thief; (setsid sh -c '(ASK thiefs-orphan &)' &); ASK_VIA=`+through+` ASK thief-forwarded; exec sleep 600`)
	for name, outcome := range x.hear(t, "honest", "thief", "thiefs-orphan", "thief-forwarded") {
		if want := map[bool]string{true: "200 true", false: "401 false"}[name == "honest"]; outcome != want {
			t.Errorf("of another replica, %s is answered %s, want %s", name, outcome, want)
		}
	}
	strangers := map[string]int{"a process of the platform's user": os.Getuid()}
	if os.Getuid() == 0 {
		strangers["another user"] = 65534
		strangers["the replica's own user from outside"] = mine.User()
	}
	for name, user := range strangers { // each a process outside every replica
		cmd := exec.Command(x.program, "ask", "stranger")
		cmd.Env = stolen
		asUser(cmd, user)
		if out, err := cmd.CombinedOutput(); err != nil || strings.TrimSpace(string(out)) != "stranger 401 false" {
			t.Errorf("%s is answered %s, %v", name, out, err)
		}
	}
	x.refusalsAreRecorded(t, mine, thief, 4+len(strangers))
}

// refusalsAreRecorded sees to it that there is a record of each, with the process where it could be told.
func (x *theatre) refusalsAreRecorded(t *testing.T, mine, thief *host.Replica, most int) {
	t.Helper()
	found, err := x.signIns.Find(t.Context(), telemetry.Wanted{Result: telemetry.Failure, Most: 100})
	if err != nil {
		t.Fatal(err)
	}
	named, stolen := 0, 0
	for _, e := range found {
		var r cloud.Refused
		if err := json.Unmarshal(e.Body, &r); err != nil {
			t.Fatal(err)
		}
		if r.Replica != mine.Name || r.Status != 401 || r.Reason == "" {
			t.Errorf("recorded is %s", e.Body)
		}
		if stolen += 1 + int(e.Suppressed); r.Process.PID != 0 && r.Process.Program != "" {
			named++
		}
		if thief.User() != 0 && r.Process.UID == thief.User() && r.Process.Program != x.program {
			t.Errorf("the thief is recorded as %s", e.Body)
		}
	}
	if stolen != most || named == 0 {
		t.Errorf("%d of %d refusals are recorded, %d with the process", stolen, most, named)
	}
}

// forwarder passes connections on to the port as they are, as a local proxy can, and gives its address.
func (x *theatre) forwarder(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			near, err := l.Accept()
			if err != nil {
				return
			}
			far, err := net.Dial("tcp", x.Address())
			if err != nil {
				near.Close()
				continue
			}
			go func() { _, _ = io.Copy(far, near); far.Close() }()
			go func() { _, _ = io.Copy(near, far); near.Close() }()
		}
	}()
	return l.Addr().String()
}

// TestAttestationIsTurnedOffByNameAlone shows that a replica whose callers are not attested says so
// everywhere, and that others go on being attested.
func TestAttestationIsTurnedOffByNameAlone(t *testing.T) {
	x := newTheatre(t)
	mine, other := x.play(t, "mine", "exec sleep 600"), x.play(t, "other", "exec sleep 600")
	waitUntil(t, "both have started", func() bool { return mine.User() == other.User() || mine.User() != 0 && other.User() != 0 })
	ask := func(r *host.Replica) int { status, _ := x.fetch(t, r); return status }
	if got := ask(mine); got != 401 {
		t.Errorf("a stranger is answered %d", got)
	}
	manage := x.token(t, "https://management.azure.com")
	turn := func(name, on string) (int, string) {
		return (&household{stage: x.stage}).send(t, "POST", "https://"+ControlHost+"/replicas/"+name+"/attestation", manage, `{"attest":`+on+`}`)
	}
	if status, text := turn(mine.Name, "false"); status != 200 || !strings.Contains(text, `"unattested":"turned off for this replica"`) {
		t.Errorf("turning it off is answered %d %s", status, text)
	}
	if status, _ := turn("no-such-replica", "false"); status != 404 {
		t.Errorf("turning it off for nobody is answered %d", status)
	}
	if status, _ := turn(mine.Name, `"no"`); status != 400 {
		t.Errorf("an order that cannot be read is answered %d", status)
	}
	if ask(mine) != 200 || ask(other) != 401 {
		t.Error("the stranger is not let in, or let in to another replica too")
	}
	_, status := (&household{stage: x.stage}).send(t, "GET", "https://"+ControlHost+"/status", manage, "")
	if strings.Count(status, `"attested":true`) != 1 || strings.Count(status, `"unattested":"turned off for this replica"`) != 1 {
		t.Errorf("the status is %s", status)
	}
	found, err := x.signIns.Find(t.Context(), telemetry.Wanted{Result: telemetry.Success, App: mine.App, Most: 1})
	if err != nil || len(found) != 1 || strings.Contains(string(found[0].Body), `"attested":true`) {
		t.Errorf("recorded is %+v, %v", found, err)
	}
	if turn(mine.Name, "true"); ask(mine) != 401 {
		t.Error("attestation is not on again")
	}
}
