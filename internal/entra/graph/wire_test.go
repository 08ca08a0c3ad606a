package graph_test

import (
	"encoding/json"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit/wiretest"
)

// TestTranscripts replays wire/*.txtar, what az sends by its commands, with a body from the second line
// on. A part called "app = ..." keeps the ids of its answer under names like $app.id.
func TestTranscripts(t *testing.T) {
	wiretest.Replay(t, func(t *testing.T) func(string, string) string { return newPlay(t).perform })
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

// perform sends what is asked, as the owner unless it begins with another's name, and gives the answer.
func (p *play) perform(part, asked string) string {
	p.t.Helper()
	text := asked
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

// written gives an answer with names and words in place of what is never twice the same.
func (p *play) written(rec *httptest.ResponseRecorder) string {
	text := wiretest.Answer(p.t, rec.Code, rec.Header(), []string{"Content-Type", "Location", "OData-Version", "WWW-Authenticate"}, rec.Body.Bytes())
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
	return text
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
