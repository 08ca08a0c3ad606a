package laws

import (
	"go/ast"
	"path"
	"regexp"
	"strings"
	"testing"
)

func TestSizes(t *testing.T) {
	h := read(t)
	for _, s := range h.files {
		if s.lines > 500 {
			t.Errorf("%s has %d lines, more than 500", s.path, s.lines)
		}
		bound := 80
		if s.isTest() {
			bound = 120
		}
		for _, d := range s.file.Decls {
			f, ok := d.(*ast.FuncDecl)
			if !ok {
				continue
			}
			if n := h.fset.Position(f.End()).Line - h.fset.Position(f.Pos()).Line + 1; n > bound {
				t.Errorf("%s: %s has %d lines, more than %d", s.path, f.Name.Name, n, bound)
			}
			if n := parameters(f.Type); n > 4 && !s.isTest() {
				t.Errorf("%s: %s has %d parameters besides the context, more than 4", s.path, f.Name.Name, n)
			}
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if i, ok := n.(*ast.InterfaceType); ok && i.Methods.NumFields() > 6 {
				t.Errorf("%s: an interface at line %d has %d methods, more than 6", s.path, h.fset.Position(i.Pos()).Line, i.Methods.NumFields())
			}
			return true
		})
	}
}

// parameters counts what a function takes besides a context.
func parameters(f *ast.FuncType) int {
	n := 0
	for _, p := range f.Params.List {
		if s, ok := p.Type.(*ast.SelectorExpr); ok && s.Sel.Name == "Context" {
			continue
		}
		n += max(1, len(p.Names))
	}
	return n
}

var (
	forbiddenPackage = regexp.MustCompile(`^(util|utils|common|helper|helpers|base|core|types|manager|service|impl|pkg|misc|http|context|runtime)$`)
	forbiddenSuffix  = regexp.MustCompile(`[a-z](Impl|Manager|Helper|Info|Data|Wrapper)$`)
	forbiddenFile    = regexp.MustCompile(`_(more|extra|final|wave|coverage|branches|misc)(_test)?\.go$`)
)

func TestNames(t *testing.T) {
	for _, s := range read(t).files {
		if forbiddenPackage.MatchString(strings.TrimSuffix(s.file.Name.Name, "_test")) {
			t.Errorf("%s: forbidden package name %s", s.path, s.file.Name.Name)
		}
		if forbiddenFile.MatchString(path.Base(s.path)) {
			t.Errorf("%s: forbidden file name", s.path)
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			if d, ok := n.(*ast.TypeSpec); ok && forbiddenSuffix.MatchString(d.Name.Name) {
				t.Errorf("%s: forbidden type name %s", s.path, d.Name.Name)
			}
			return true
		})
	}
}

func TestPackageSentences(t *testing.T) {
	for dir, files := range read(t).packages() {
		var docs []string
		for _, s := range files {
			if s.file.Doc != nil {
				docs = append(docs, s.file.Doc.Text())
			}
		}
		if len(docs) != 1 {
			t.Errorf("%s has %d package comments, want one", dir, len(docs))
			continue
		}
		sentence, _, _ := strings.Cut(docs[0], ".")
		if n := len(strings.Fields(sentence)); n > 17 { // "Package x" and 15 words
			t.Errorf("%s: its package sentence has %d words, more than 15 after its name", dir, n-2)
		}
		if !outside.MatchString(dir+"/") && !strings.Contains(docs[0], "It must not") {
			t.Errorf("%s: its package comment does not say what it must not know", dir)
		}
	}
}

// callsTimeNow finds time.Now used in code.
func callsTimeNow(f *ast.File) bool {
	found := false
	ast.Inspect(f, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok && s.Sel.Name == "Now" {
			if x, ok := s.X.(*ast.Ident); ok && x.Name == "time" {
				found = true
			}
		}
		return true
	})
	return found
}
