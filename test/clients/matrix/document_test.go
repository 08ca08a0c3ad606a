package matrix

import (
	"flag"
	"os"
	"strings"
	"testing"
)

var (
	write    = flag.Bool("write", false, "write the tables into docs/clients.md")
	markdown = flag.Bool("markdown", false, "print the tables")
)

const document = "../../../docs/clients.md"

// TestTheDocumentSaysWhatIsDeclared holds the tables of docs/clients.md against the declarations, which
// TestMatrix proves.
func TestTheDocumentSaysWhatIsDeclared(t *testing.T) {
	if *markdown {
		os.Stdout.WriteString(Markdown())
	}
	text, err := os.ReadFile(document)
	if err != nil {
		t.Fatal(err)
	}
	before, rest, found := strings.Cut(string(text), begins)
	tables, after, closed := strings.Cut(rest, ends)
	if !found || !closed {
		t.Fatalf("docs/clients.md has no place for the matrix: %q ... %q", begins, ends)
	}
	want := "\n" + Markdown()
	if tables == want {
		return
	}
	if !*write {
		t.Fatal("docs/clients.md says something else: go test ./matrix -run TestTheDocument -args -write")
	}
	if err := os.WriteFile(document, []byte(before+begins+want+ends+after), 0o644); err != nil {
		t.Fatal(err)
	}
}

// TestEveryDeclarationIsAboutSomething keeps declarations from outliving what they are about.
func TestEveryDeclarationIsAboutSomething(t *testing.T) {
	known := map[string]bool{}
	for _, c := range clients {
		known[c.id()] = true
		for _, s := range sources {
			if s.raises[c.id()] == "" {
				t.Errorf("%s: nothing says what a refusal becomes in %s", s.id, c.id())
			}
		}
	}
	for _, s := range sources {
		names := map[string]bool{}
		for _, c := range s.columns {
			if names[c.name] {
				t.Errorf("%s has two columns %q", s.id, c.name)
			}
			names[c.name] = true
		}
		for id, of := range s.except {
			for name := range of {
				if !known[id] || !names[name] {
					t.Errorf("%s declares something of %q and %q, which are not there", s.id, id, name)
				}
			}
		}
	}
}
