package graph_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"lanyard/internal/cloud"
)

// TestTranscripts replays wire/*.txtar, what az sends by its commands: lines after ">" are sent, with
// a body from the second line on, lines after "<" must come back. A part called "app = ..." keeps the
// ids of its answer under names like $app.id. «words» stand for what is never twice the same.
// UPDATE=1 writes what comes back.
func TestTranscripts(t *testing.T) {
	files, err := filepath.Glob("wire/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(file)
			if err != nil {
				t.Fatal(err)
			}
			p := newPlay(t)
			for n, part := range archive.Files {
				asked, want, _ := strings.Cut(string(part.Data), "\n< ")
				got := p.perform(part.Name, asked)
				if os.Getenv("UPDATE") == "1" {
					archive.Files[n].Data = []byte(asked + "\n" + got)
				} else if want = "< " + want; got != want {
					t.Errorf("%s: got\n%swant\n%s", part.Name, got, want)
				}
			}
			if os.Getenv("UPDATE") == "1" {
				if err := os.WriteFile(file, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// play is one transcript under way.
type play struct {
	*world
	names map[string]string // $name to what it stands for
}

func newPlay(t *testing.T) *play {
	w := start(t)
	return &play{world: w, names: map[string]string{
		"$owner.id": string(w.owner.ID), "$owner.appId": string(w.owner.Client), "$person.id": string(w.user.ID),
		"$worker.id": string(w.worker.ID), "$worker.appId": string(w.worker.Client),
		"$identity.id": string(w.mi.ID), "$identity.appId": string(w.mi.Client), "$tenant": string(tenant),
	}}
}

// perform sends what the lines after ">" say, as the owner unless they begin with another's name.
func (p *play) perform(part, asked string) string {
	p.t.Helper()
	text := strings.ReplaceAll(strings.TrimPrefix(asked, "> "), "\n> ", "\n")
	for _, name := range p.longestFirst() {
		text = strings.ReplaceAll(text, name, p.names[name])
	}
	line, body, _ := strings.Cut(text, "\n")
	as, line := p.caller(line)
	method, path, _ := strings.Cut(line, " ")
	r := httptest.NewRequest(method, "https://graph.microsoft.com"+strings.ReplaceAll(path, " ", "%20"), strings.NewReader(body))
	r.Header.Set("Authorization", "Bearer "+string(as))
	rec := httptest.NewRecorder()
	p.mux.ServeHTTP(rec, r)
	var answer map[string]any
	if kept, _, ok := strings.Cut(part, " = "); ok && json.Unmarshal(rec.Body.Bytes(), &answer) == nil {
		for _, id := range []string{"id", "appId", "keyId"} {
			if value, ok := answer[id].(string); ok {
				p.names["$"+kept+"."+id] = value
			}
		}
	}
	return p.written(rec)
}

func (p *play) caller(line string) (cloud.PrincipalID, string) {
	who, rest, _ := strings.Cut(line, ": ")
	switch who {
	case "person":
		return p.user.ID, rest
	case "identity":
		return p.mi.ID, rest
	case "nobody":
		return "", rest
	}
	return p.owner.ID, line
}

// written gives an answer as lines after "<".
func (p *play) written(rec *httptest.ResponseRecorder) string {
	var out bytes.Buffer
	fmt.Fprintf(&out, "%d\n", rec.Code)
	for _, name := range []string{"Content-Type", "Location", "OData-Version", "WWW-Authenticate"} {
		if value := rec.Header().Get(name); value != "" {
			fmt.Fprintf(&out, "%s: %s\n", name, value)
		}
	}
	if rec.Body.Len() > 0 {
		if err := json.Indent(&out, rec.Body.Bytes(), "", "  "); err != nil {
			p.t.Fatal(err)
		}
	}
	text := strings.TrimSuffix(out.String(), "\n")
	for _, name := range p.longestFirst() {
		text = strings.ReplaceAll(text, p.names[name], name)
	}
	for pattern, word := range map[string]string{
		`[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`: "«guid»",
		`S-1-12-1(-[0-9]+){4}`:                      "«sid»",
		`("secretText": )"[\w.]+"`:                  "$1«secret»",
		`("hint": )"[\w.]+"`:                        "$1«hint»",
	} {
		text = regexp.MustCompile(pattern).ReplaceAllString(text, word)
	}
	return "< " + strings.ReplaceAll(text, "\n", "\n< ") + "\n"
}

// longestFirst orders names so that none is replaced by a part of it.
func (p *play) longestFirst() []string {
	var all []string
	for name := range p.names {
		all = append(all, name)
	}
	slices.SortFunc(all, func(a, b string) int { return len(b) - len(a) })
	return all
}
