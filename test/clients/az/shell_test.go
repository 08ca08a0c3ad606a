// Package az drives the unmodified az against a running platform, under Azure's public names.
//
// It must not know the platform's insides: commands go in, and JSON, exit status and error text
// are judged.
package az

import (
	"encoding/json"
	"os"
	"reflect"
	"strconv"
	"strings"
	"testing"

	"lanyard/test/clients/stage"
)

func TestMain(m *testing.M) { os.Exit(stage.Main(m)) }

// shell is az in the prepared environment of a stage, with a configuration folder of its own.
type shell struct {
	*stage.Stage
	owner  stage.Owner
	path   string
	config string
	env    []string // the prepared environment does not change while a platform runs
}

// open starts a platform and gives an az that nobody is signed in to.
func open(t *testing.T) *shell {
	t.Helper()
	path := stage.Tool(t, "az")
	s := stage.Start(t)
	return &shell{Stage: s, owner: s.Owner(), path: path, config: t.TempDir(), env: s.Environment()}
}

// signedIn starts a platform and gives an az that its owner is signed in to.
func signedIn(t *testing.T) *shell {
	t.Helper()
	az := open(t)
	az.run(t, "login --service-principal --username", az.owner.Client, "--password", az.owner.Secret, "--tenant", az.owner.Tenant).done()
	return az
}

// other gives another az beside this one, on the same platform, that nobody is signed in to.
func (az *shell) other(t *testing.T) *shell {
	copied := *az
	copied.config = t.TempDir()
	return &copied
}

func (az *shell) group(name string) string {
	return "/subscriptions/" + az.owner.Subscription + "/resourceGroups/" + name
}

// row runs what one row of the table in docs/clients.md claims, under the name of the command.
func row(t *testing.T, command string, proof func(t *testing.T)) {
	t.Helper()
	t.Run(command, proof)
}

// variables are az's own for tests: no reports to anyone, no opinions asked, and the certificates
// that it makes lie in the stage's folder in place of the home folder.
func (az *shell) variables() []string {
	return []string{"AZURE_CONFIG_DIR=" + az.config, "HOME=" + az.Dir, "AZURE_CORE_COLLECT_TELEMETRY=false", "AZURE_CORE_SURVEY_MESSAGE=false"}
}

// run runs az: words is split at blanks, what follows is passed as it is.
func (az *shell) run(t *testing.T, words string, more ...string) *answer {
	t.Helper()
	cmd := az.Client(az.variables(), az.path, append(strings.Fields(words), more...)...)
	return &answer{t: t, command: "az " + words + " " + strings.Join(more, " "), outcome: stage.Run(t, cmd)}
}

// answer is what az answered to one command.
type answer struct {
	t       *testing.T
	command string
	outcome stage.Outcome
	doc     any
	read    bool
}

// done demands success.
func (a *answer) done() *answer {
	a.t.Helper()
	if a.outcome.Code != 0 {
		a.t.Fatalf("%s\nexit status %d\n%s", a.command, a.outcome.Code, a.outcome.Err)
	}
	return a
}

// refused demands that az fails with this exit status and says all of the texts.
func (a *answer) refused(code int, texts ...string) {
	a.t.Helper()
	if a.outcome.Code != code {
		a.t.Errorf("%s\nexit status %d, want %d\n%s%s", a.command, a.outcome.Code, code, a.outcome.Out, a.outcome.Err)
	}
	a.says(texts...)
}

// says demands that az printed all of the texts to its standard error.
func (a *answer) says(texts ...string) *answer {
	a.t.Helper()
	for _, text := range texts {
		if !strings.Contains(a.outcome.Err, text) {
			a.t.Errorf("%s\ndid not say %q but\n%s", a.command, text, a.outcome.Err)
		}
	}
	return a
}

// json demands success and reads the answer, once.
func (a *answer) json() any {
	a.t.Helper()
	a.done()
	if !a.read && strings.TrimSpace(a.outcome.Out) != "" {
		if err := json.Unmarshal([]byte(a.outcome.Out), &a.doc); err != nil {
			a.t.Fatalf("%s\nprinted no JSON: %v\n%s", a.command, err, a.outcome.Out)
		}
	}
	a.read = true
	return a.doc
}

// at gives the value at a path such as "properties.state" or "0.name"; nil when nothing is there.
func (a *answer) at(path string) any {
	a.t.Helper()
	v := a.json()
	for step := range strings.SplitSeq(path, ".") {
		switch x := v.(type) {
		case map[string]any:
			v = x[step]
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(x) {
				return nil
			}
			v = x[i]
		default:
			return nil
		}
	}
	return v
}

// is demands a value at a path.
func (a *answer) is(path string, want any) *answer {
	a.t.Helper()
	if n, ok := want.(int); ok {
		want = float64(n)
	}
	if got := a.at(path); !reflect.DeepEqual(got, want) {
		a.t.Errorf("%s\n%s is %#v, want %#v\n%s", a.command, path, got, want, a.outcome.Out)
	}
	return a
}

// text demands a string that is not empty at a path, and gives it.
func (a *answer) text(path string) string {
	a.t.Helper()
	s, _ := a.at(path).(string)
	if s == "" {
		a.t.Fatalf("%s\n%s is empty\n%s", a.command, path, a.outcome.Out)
	}
	return s
}

// lists demands an array in which exactly these names stand at the path, in any order.
func (a *answer) lists(path string, want ...string) *answer {
	a.t.Helper()
	all, ok := a.json().([]any)
	if !ok {
		a.t.Fatalf("%s\nprinted no list\n%s", a.command, a.outcome.Out)
	}
	left := map[string]int{}
	for i := range all {
		left[a.text(strconv.Itoa(i)+"."+path)]++
	}
	for _, name := range want {
		left[name]--
	}
	for name, n := range left {
		if n != 0 {
			a.t.Errorf("%s\nlists %s %q %+d times against what is wanted, %q\n%s", a.command, path, name, n, want, a.outcome.Out)
		}
	}
	return a
}

// has demands an array of so many members.
func (a *answer) has(n int) *answer {
	a.t.Helper()
	if all, ok := a.json().([]any); !ok || len(all) != n {
		a.t.Errorf("%s\nprinted not %d members but\n%s", a.command, n, a.outcome.Out)
	}
	return a
}

// nothing demands success without an answer.
func (a *answer) nothing() {
	a.t.Helper()
	if a.done(); strings.TrimSpace(a.outcome.Out) != "" {
		a.t.Errorf("%s\nprinted\n%s", a.command, a.outcome.Out)
	}
}

// whole demands that the whole answer is a value, as a Boolean or an empty list.
func (a *answer) whole(want any) {
	a.t.Helper()
	if got := a.json(); !reflect.DeepEqual(got, want) {
		a.t.Errorf("%s\nprinted %s, want %v", a.command, a.outcome.Out, want)
	}
}
