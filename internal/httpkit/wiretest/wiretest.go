// Package wiretest replays transcripts: what is sent to a door, and what comes back.
//
// It must not know any door: whoever replays says how a request is sent and what is never twice the same.
package wiretest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Replay replays wire/*.txtar of the package under test. In each part, lines after ">" are sent and lines
// after "<" must come back. Begin makes a world for a file and gives what answers a part of it: asked is
// what is sent, without the marks, and the answer is without them too, with a word in place of whatever
// is never twice the same. UPDATE=1 writes what comes back.
func Replay(t *testing.T, begin func(*testing.T) func(part, asked string) string) {
	files, err := filepath.Glob("wire/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no transcripts: %v", err)
	}
	for _, name := range files {
		t.Run(strings.TrimSuffix(filepath.Base(name), ".txtar"), func(t *testing.T) {
			archive, err := txtar.ParseFile(name)
			if err != nil {
				t.Fatal(err)
			}
			answer := begin(t)
			for n, part := range archive.Files {
				asked, want, _ := strings.Cut(string(part.Data), "\n< ")
				got := answer(part.Name, strings.ReplaceAll(strings.TrimPrefix(asked, "> "), "\n> ", "\n"))
				got = "< " + strings.ReplaceAll(strings.TrimSpace(got), "\n", "\n< ") + "\n"
				if os.Getenv("UPDATE") == "1" {
					archive.Files[n].Data = []byte(asked + "\n" + got)
				} else if want = "< " + want; got != want {
					t.Errorf("%s: got\n%swant\n%s", part.Name, got, want)
				}
			}
			if os.Getenv("UPDATE") == "1" {
				if err := os.WriteFile(name, txtar.Format(archive), 0o644); err != nil {
					t.Fatal(err)
				}
			}
		})
	}
}

// Answer writes an answer as transcripts have it: the status, those of some headers that are there, and
// the JSON of the body, indented.
func Answer(t *testing.T, status int, header http.Header, shown []string, body []byte) string {
	t.Helper()
	var out bytes.Buffer
	fmt.Fprintf(&out, "%d\n", status)
	for _, name := range shown {
		if value := header.Get(name); value != "" {
			fmt.Fprintf(&out, "%s: %s\n", name, value)
		}
	}
	if len(body) > 0 {
		if err := json.Indent(&out, body, "", "  "); err != nil {
			t.Fatal(err)
		}
	}
	return out.String()
}
