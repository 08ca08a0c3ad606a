package laws

import (
	"fmt"
	"go/ast"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// witnesses maps every test of the module to its package's folder.
func witnesses(t *testing.T) map[string][]string {
	t.Helper()
	m := map[string][]string{}
	for _, s := range read(t).files {
		if !s.isTest() {
			continue
		}
		for _, d := range s.file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				m[f.Name.Name] = append(m[f.Name.Name], s.dir())
			}
		}
	}
	return m
}

var parityRow = regexp.MustCompile(`(?m)^\| ((?:ID|TK|AC|AP|TG|DX|NW)-\d+|T\d+) \|.*\| ([^|]+) \|$`)

// proved counts the rows of docs/parity.md that a test proves. It may only grow: a row never goes
// back to planned.
const proved = 60

func TestParityRowsHaveWitnesses(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/parity.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := witnesses(t)
	rows := parityRow.FindAllStringSubmatch(string(text), -1)
	ids := map[string]bool{}
	n := 0
	for _, row := range rows {
		id, witness := row[1], strings.TrimSpace(row[2])
		if ids[id] {
			t.Errorf("docs/parity.md: %s stands twice", id)
		}
		ids[id] = true
		if witness == "planned" {
			continue
		}
		n++
		for _, name := range strings.Split(witness, ", ") {
			if !isTest(tests, strings.Trim(name, "`")) {
				t.Errorf("docs/parity.md: the witness %s of %s is no test (folder:Test)", name, id)
			}
		}
	}
	for prefix, count := range map[string]int{"ID": 17, "TK": 15, "AC": 9, "AP": 9, "TG": 7, "DX": 14, "NW": 5, "T": 28} {
		for i := 1; i <= count; i++ {
			if id := fmt.Sprintf("%s-%d", prefix, i); !ids[id] && !ids[strings.Replace(id, "T-", "T", 1)] {
				t.Errorf("docs/parity.md has no row for %s", id)
			}
		}
	}
	if n < proved {
		t.Errorf("%d rows are proved, fewer than the %d that once were", n, proved)
	}
	if n > proved {
		t.Errorf("%d rows are proved: raise the constant from %d so that none goes back", n, proved)
	}
}

// isTest holds for folder:Test, with or without the name of a subtest behind a slash.
func isTest(tests map[string][]string, witness string) bool {
	dir, test, ok := strings.Cut(witness, ":")
	test, _, _ = strings.Cut(test, "/")
	return ok && slices.Contains(tests[test], dir)
}

// Each client that docs/clients.md calls supported is driven by a test.
func TestClientRowsHaveWitnesses(t *testing.T) {
	text, err := os.ReadFile(root + "/docs/clients.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := witnesses(t)
	rows := regexp.MustCompile("(?m)^\\|[^\n]*\\| `([^`]*:[^`]*)` \\|$").FindAllStringSubmatch(string(text), -1)
	for _, row := range rows {
		if !isTest(tests, row[1]) {
			t.Errorf("docs/clients.md: %s is no test (folder:Test)", row[1])
		}
	}
	if len(rows) < 40 {
		t.Errorf("docs/clients.md has only %d rows with a test", len(rows))
	}
}

func TestDependenciesAreDecided(t *testing.T) {
	mod, err := os.ReadFile(root + "/go.mod")
	if err != nil {
		t.Fatal(err)
	}
	notes, err := filepath.Glob(root + "/docs/decisions/*.md")
	if err != nil || len(notes) == 0 {
		t.Fatalf("no decision notes: %v", err)
	}
	var decided strings.Builder
	for _, n := range notes {
		b, err := os.ReadFile(n)
		if err != nil {
			t.Fatal(err)
		}
		decided.Write(b)
	}
	direct := regexp.MustCompile(`(?m)^(?:require )?\s*(\S+\.\S+/\S*|\S+\.\S+) v\S+$`).FindAllStringSubmatch(string(mod), -1)
	if len(direct) == 0 {
		t.Fatal("go.mod has no direct dependency: the rule would hold for nothing")
	}
	for _, m := range direct {
		if !strings.Contains(decided.String(), "`"+m[1]+"`") {
			t.Errorf("go.mod requires %s, which no note in docs/decisions names", m[1])
		}
	}
}
