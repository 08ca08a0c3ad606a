package providertest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

// Transcripts replays wire/*.txtar of the package under test, each file in a world of its own:
// lines after ">" are sent, lines after "<" must come back. $SUBSCRIPTION, $GROUP, $TENANT and
// $CALLER stand for those of the world, the words that begin gives for what they name, and «guid»
// for what is never twice the same. UPDATE=1 writes what comes back.
func Transcripts(t *testing.T, begin func(*testing.T) (*World, map[string]string)) {
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
			w, words := begin(t)
			p := play{World: w, names: names(words)}
			for n, file := range archive.Files {
				asked, want, _ := strings.Cut(string(file.Data), "\n< ")
				got := p.replay(t, asked)
				if os.Getenv("UPDATE") == "1" {
					archive.Files[n].Data = []byte(asked + "\n" + got)
				} else if want = "< " + want; got != want {
					t.Errorf("%s: got\n%swant\n%s", file.Name, got, want)
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

// play is one transcript on its way.
type play struct {
	*World
	names [][2]string // word and what it stands for, the longest first
}

func names(words map[string]string) [][2]string {
	all := [][2]string{{"$GROUP", Group}, {"$SUBSCRIPTION", Subscription}, {"$TENANT", string(Tenant)},
		{"$CALLER", string(Caller.Principal)}, {"$CLIENT", string(Caller.Client)}}
	for word, value := range words {
		all = append(all, [2]string{word, value})
	}
	slices.SortFunc(all, func(a, b [2]string) int { return len(b[1]) - len(a[1]) })
	return all
}

// replay sends what the lines after ">" say and gives the answer as lines after "<".
func (p play) replay(t *testing.T, asked string) string {
	t.Helper()
	for _, n := range p.names {
		asked = strings.ReplaceAll(asked, n[0], n[1])
	}
	line, body, _ := strings.Cut(strings.TrimPrefix(strings.ReplaceAll(asked, "\n> ", "\n"), "> "), "\n")
	a := p.Ask(line, body)
	var out bytes.Buffer
	fmt.Fprintf(&out, "%d\n", a.Status)
	for _, name := range []string{"Allow", "Azure-AsyncOperation", "Location", "Retry-After"} {
		if value := a.Header.Get(name); value != "" {
			fmt.Fprintf(&out, "%s: %s\n", name, value)
		}
	}
	if a.Text != "" {
		if err := json.Indent(&out, []byte(a.Text), "", "  "); err != nil {
			t.Fatal(err)
		}
	}
	said := strings.TrimSpace(p.mask(out.String()))
	return "< " + strings.ReplaceAll(said, "\n", "\n< ") + "\n"
}

// drawn are values that a world draws by chance, and what changes with every write.
var drawn = map[*regexp.Regexp]string{
	regexp.MustCompile(`("(clientId|principalId)": ")[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}`): "$1«guid»",
	regexp.MustCompile(`("etag": )"[^,\n]*"`):                                                    `$1"«etag»"`,
}

func (p play) mask(text string) string {
	for _, n := range p.names {
		text = strings.ReplaceAll(text, n[1], n[0])
	}
	for pattern, word := range drawn {
		text = pattern.ReplaceAllString(text, word)
	}
	return text
}
