package matrix

import (
	"os"
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
	w := open(t)
	for _, s := range sources {
		if os.Getenv("ONLY") != "" && s.id != os.Getenv("ONLY") {
			continue
		}
		t.Run(s.id, func(t *testing.T) {
			for name := range programs {
				t.Run(name, func(t *testing.T) {
					t.Parallel()
					w.tryAll(t, s, name)
				})
			}
		})
	}
}

// tryAll asks by every client of a program for every column of a source, in one process for each app
// and environment.
func (w *world) tryAll(t *testing.T, s source, program string) {
	command := programs[program](t)
	var done []string
	for _, first := range s.columns {
		kind := first.app + strings.Join(first.env, " ")
		if slices.Contains(done, kind) {
			continue
		}
		done = append(done, kind)
		r := w.as(t, first.app, s, command, first.env...)
		for i, c := range s.columns {
			if c.app+strings.Join(c.env, " ") != kind {
				continue
			}
			for _, of := range clients {
				if of.program == program {
					w.try(t, r, s, of, i)
				}
			}
		}
		r.end()
	}
}

// try asks for one column by one client.
func (w *world) try(t *testing.T, r *running, s source, of client, i int) {
	c := s.columns[i]
	t.Run(of.library+"/"+c.name, func(t *testing.T) {
		resource := c.resource
		if resource == "" {
			resource = vault
		}
		a := r.ask(question{Library: of.library, Selector: namedBy(c.selector, w.identity(c.whose)), Resource: resource})
		w.judge(t, a, w.identity(c.whose), s.outcome(of, c))
	})
}

// judge holds an answer against what is declared.
func (w *world) judge(t *testing.T, a answer, want identity, declared outcome) {
	t.Helper()
	if declared != (outcome{}) {
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
	if a.Claims.Audience != vault {
		t.Errorf("the token is for %q", a.Claims.Audience)
	}
	if left := time.Until(time.Unix(a.Expires, 0)); left < 0 || left > life+rounding {
		t.Errorf("the client thinks that the token lives for %s", left)
	}
}
