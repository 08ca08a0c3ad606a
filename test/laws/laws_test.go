// Package laws holds the house rules, as tests.
//
// It must not know what any code does, only how it is laid out.
package laws

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
)

// root is the repository, seen from this package's folder.
const root = "../.."

// module is the prefix of our own import paths.
const module = "lanyard/"

// source is one Go file.
type source struct {
	path  string // from the repository's root, with slashes
	lines int
	file  *ast.File
}

func (s source) dir() string { return path.Dir(s.path) }

// isTest holds for tests and for packages that only tests import: storetest, hosttest.
func (s source) isTest() bool {
	return strings.HasSuffix(s.path, "_test.go") || strings.HasSuffix(s.dir(), "test")
}

// house is every Go file here, parsed once; the clients' tests, a module of their own, belong to it.
type house struct {
	fset  *token.FileSet
	files []source
}

func read(t *testing.T) house {
	t.Helper()
	h := house{fset: token.NewFileSet()}
	err := filepath.WalkDir(root, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := filepath.ToSlash(strings.TrimPrefix(strings.TrimPrefix(p, root), string(filepath.Separator)))
		if d.IsDir() {
			if rel == ".git" || rel == "bin" || rel == ".lanyard" || d.Name() == "testdata" || d.Name() == "node_modules" || d.Name() == ".tools" {
				return fs.SkipDir
			}
			return nil
		}
		if !strings.HasSuffix(rel, ".go") {
			return nil
		}
		text, err := os.ReadFile(p)
		if err != nil {
			return err
		}
		f, err := parser.ParseFile(h.fset, p, text, parser.ParseComments)
		if err != nil {
			return err
		}
		h.files = append(h.files, source{path: rel, lines: strings.Count(string(text), "\n"), file: f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(h.files) < 50 {
		t.Fatalf("only %d Go files found: the laws would hold for nothing", len(h.files))
	}
	return h
}

// packages groups the files that are not tests by folder.
func (h house) packages() map[string][]source {
	m := map[string][]source{}
	for _, s := range h.files {
		if !s.isTest() {
			m[s.dir()] = append(m[s.dir()], s)
		}
	}
	return m
}

// imports gives a file's imports of our own packages, as folders, and of all others.
func (s source) imports() (own, others []string) {
	for _, i := range s.file.Imports {
		p := strings.Trim(i.Path.Value, `"`)
		if rest, ok := strings.CutPrefix(p, module); ok {
			own = append(own, rest)
		} else {
			others = append(others, p)
		}
	}
	return own, others
}
