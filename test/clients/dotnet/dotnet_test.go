package dotnet

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lanyard/test/clients/stage"
)

func TestMain(m *testing.M) { os.Exit(stage.Main(m)) }

const (
	group  = "dotnet"
	nobody = "11111111-2222-4333-8444-555555555555"
	life   = 24 * time.Hour
)

// world is a platform with one app that wears its own identity and one more.
type world struct {
	*stage.Stage
	t      *testing.T
	sender string
	worn   struct{ ID, ClientID, PrincipalID string }
	own    string // object id
}

func open(t *testing.T) *world {
	t.Helper()
	w := &world{Stage: stage.Start(t), t: t, sender: filepath.Join(t.TempDir(), "send")}
	if out, err := exec.Command("go", "build", "-o", w.sender, "./send").CombinedOutput(); err != nil {
		t.Fatalf("build: %v\n%s", err, out)
	}
	w.Seed("group: " + group + "\nidentities: [{name: worn}]\n")
	w.JSON(&w.worn, "identity", "show", "-n", "worn", "-g", group)
	w.Lanyard("run", "--name", "app", "--resource-group", group, "--system-assigned", "--user-assigned", "worn", "--", "lanyard", "--help")
	w.own = w.Lanyard("containerapp", "identity", "show", "-n", "app", "-g", group, "--query", "principalId", "-o", "tsv")
	return w
}

// sending is a process of the app that sends what it is told.
func (w *world) sending(t *testing.T, source string) func(address, text string) answer {
	t.Helper()
	cmd := w.Command("run", "--name", "app", "--resource-group", group, "--source", source, "--", w.sender)
	in, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs strings.Builder
	cmd.Stderr = &errs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = in.Close()
		if err := cmd.Wait(); err != nil {
			t.Errorf("%v: %v\n%s", cmd.Args, err, errs.String())
		}
	})
	lines := bufio.NewReader(out)
	return func(address, text string) answer {
		t.Helper()
		line, err := json.Marshal(struct{ Address, Text string }{address, text})
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(in, "%s\n", line)
		got, err := lines.ReadString('\n')
		if err != nil {
			t.Fatalf("the sender ended: %v\n%s", err, errs.String())
		}
		var a answer
		if err := json.Unmarshal([]byte(got), &a); err != nil || a.Error != "" {
			t.Fatalf("send: %v, %s\n%s", err, a.Error, text)
		}
		return a
	}
}

func (w *world) is(t *testing.T, a answer, principal string) {
	t.Helper()
	got, err := a.read(time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if got.principal != principal || got.lives < life-time.Minute || got.lives > life+10*time.Minute {
		t.Errorf("the library would hold a token of %s for %s, want %s", got.principal, got.lives, principal)
	}
}

// TestTheLibraryIsAnswered replays what MSAL .NET sends for each kind of identity, and what it sends for
// one that the app does not wear.
func TestTheLibraryIsAnswered(t *testing.T) {
	w := open(t)
	for _, s := range transcripts {
		t.Run(s.run, func(t *testing.T) {
			send := w.sending(t, s.run)
			ask := func(selector string) answer { return send(s.address, fmt.Sprintf(s.request, selector)) }
			t.Run("system-assigned", func(t *testing.T) { w.is(t, ask(s.lacking), w.own) })
			for what, named := range map[string][2]string{
				"client id": {s.client, w.worn.ClientID}, "object id": {s.object, w.worn.PrincipalID}, "resource id": {s.resource, w.worn.ID},
			} {
				if named[0] != "" {
					t.Run("user-assigned by "+what, func(t *testing.T) { w.is(t, ask("&"+named[0]+"="+named[1]), w.worn.PrincipalID) })
				}
			}
			t.Run("an identity that nobody has", func(t *testing.T) {
				a := ask("&" + s.client + "=" + nobody)
				if said := a.message(); a.Status != 400 || strings.Contains(said, "unexpected") || strings.HasSuffix(said, "] ") {
					t.Errorf("%d: the exception would say %q of %s", a.Status, said, a.Body)
				}
			})
		})
	}
}

func TestTheLibraryFindsAVirtualMachineAndNoSecondVersionOfIt(t *testing.T) {
	w := open(t)
	send := w.sending(t, "imds")
	start := time.Now()
	if a := send(transcripts[2].address, fmt.Sprintf(probe, firstVersion)); a.Status != 400 {
		t.Errorf("the probe is answered %d %s", a.Status, a.Body)
	}
	if a := send(transcripts[2].address, fmt.Sprintf(probe, secondVersion)); a.Status != 404 {
		t.Errorf("the probe of the second version is answered %d %s", a.Status, a.Body)
	}
	if took := time.Since(start); took > stage.Patience {
		t.Errorf("both took %s", took)
	}
}

func TestTheLibraryAnswersArcsChallenge(t *testing.T) {
	w := open(t)
	send := w.sending(t, "arc")
	challenge := send("${IDENTITY_ENDPOINT.host}", fmt.Sprintf(arc, ""))
	key, err := challenge.keyFile()
	if err != nil {
		t.Fatal(err)
	}
	if stat, err := os.Stat(key); err != nil || stat.Size() > 4096 {
		t.Fatalf("the key file: %v, %v", stat, err)
	}
	w.is(t, send("${IDENTITY_ENDPOINT.host}", fmt.Sprintf(arc, "Authorization: Basic ${file:"+key+"}\n")), w.own)
}
