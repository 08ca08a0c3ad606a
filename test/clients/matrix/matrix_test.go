package matrix

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lanyard/test/clients/stage"
)

// life is how long a token lives, and what clients may round.
const life, rounding = 24 * time.Hour, 10 * time.Minute

// TestMatrix asks by every client at every source for every identity, and holds what comes of it
// against what is declared.
func TestMatrix(t *testing.T) {
	if !stage.Alone() {
		stage.Missing(t, "only root can make a network in which nobody else answers at 169.254.169.254")
	}
	for _, address := range []bool{false, true} {
		var flags []string
		if address {
			flags = append(flags, "--imds")
		}
		t.Run(strings.Join(append([]string{"up"}, flags...), " "), func(t *testing.T) {
			w := open(t, flags...)
			for _, s := range sources {
				if s.address != address {
					continue
				}
				for name := range programs {
					t.Run(s.id+"/"+name, func(t *testing.T) {
						t.Parallel()
						w.tryAll(t, s, name)
					})
				}
			}
		})
	}
}

// dead is where nobody answers: who gets a token all the same has not gone there.
const dead = "http://127.0.0.1:9"

// environment gives what a client is to find in its environment for a column.
func (s source) environment(of client, c column) []string {
	env := slices.Concat(s.env, c.env)
	switch {
	case s.id == linkLocal.id && slices.Contains(deaf, of.id()):
		env = append(env, "AZURE_POD_IDENTITY_AUTHORITY_HOST="+dead)
	case s.id == linkLocal.id:
		env = append(env, "AZURE_POD_IDENTITY_AUTHORITY_HOST")
	}
	return env
}

// tryAll asks by every client of a program for every column of a source, in one process for each app
// and environment.
func (w *world) tryAll(t *testing.T, s source, program string) {
	command := programs[program](t)
	processes := map[string]*running{}
	for _, c := range s.columns {
		for _, of := range clients {
			if of.program != program || slices.Contains(s.deaf, of.id()) {
				continue
			}
			env := s.environment(of, c)
			kind := fmt.Sprint(c.app, c.msiDisabled, env)
			if processes[kind] == nil {
				processes[kind] = w.as(t, c, s, command, env...)
				defer processes[kind].end()
			}
			t.Run(of.library+"/"+c.name, func(t *testing.T) { w.try(t, processes[kind], s, of, c) })
		}
	}
}

var crowdedFor = map[string]string{"identity": management, "default": "https://graph.microsoft.com", "msal": "https://storage.azure.com", "az": management}

// try asks for one column by one client.
func (w *world) try(t *testing.T, r *running, s source, of client, c column) {
	resource := c.resource
	if resource == "" {
		resource = vault
	}
	if c.crowded { // a resource of its own, for some clients of one process share what they keep
		resource = crowdedFor[of.library]
		if a := r.ask(question{Library: "crowd"}); a.Error != "" {
			t.Fatal(a.outcome())
		}
	}
	a := r.ask(question{Library: of.library, Selector: namedBy(c.selector, w.identity(c.whose)), Resource: resource})
	declared := s.outcome(of, c)
	if declared.whose != "" {
		c.whose = declared.whose
	}
	w.judge(t, a, w.identity(c.whose), resource, declared)
}

// judge holds an answer against what is declared.
func (w *world) judge(t *testing.T, a answer, want identity, resource string, declared outcome) {
	t.Helper()
	if declared.raises != "" {
		if a.Error != declared.raises || !strings.Contains(a.Message, declared.says) {
			t.Errorf("raised %s: %s\nwant %s: ... %s (the token: %+v)", a.Error, a.Message, declared.raises, declared.says, a.Claims)
		}
		return
	}
	if a.Error != "" {
		t.Fatalf("raised %s: %s", a.Error, a.Message)
	}
	if a.Claims.Principal != want.Principal || want.Client != "" && a.Claims.App != want.Client {
		t.Errorf("the token is for %+v, want %+v", a.Claims, want)
	}
	if a.Claims.Identity != "" && !strings.EqualFold(a.Claims.Identity, want.ID) {
		t.Errorf("the token names %q, want %q", a.Claims.Identity, want.ID)
	}
	if a.Claims.Audience != resource {
		t.Errorf("the token is for %q", a.Claims.Audience)
	}
	if left := time.Until(time.Unix(a.Expires, 0)); left < 0 || left > life+rounding {
		t.Errorf("the client thinks that the token lives for %s", left)
	}
}
