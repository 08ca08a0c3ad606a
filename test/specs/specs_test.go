// Package specs holds this world against what is published about Azure, as a test.
//
// It must not know how a type is made here: an answer is held against its description alone.
package specs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// folder gives the folder of what is published about Azure: LANYARD_SPECS, which then must be there,
// or ../shared/specs beside the checkout. Where that is not, the test is skipped.
func folder(t *testing.T) string {
	t.Helper()
	named := os.Getenv("LANYARD_SPECS")
	at := named
	if named == "" {
		at = filepath.Join("..", "..", "..", "shared", "specs")
	}
	_, err := os.Stat(at)
	switch {
	case err != nil && named != "":
		t.Fatalf("LANYARD_SPECS names what is not there: %v", err)
	case err != nil:
		t.Skipf("there is nothing to hold this against: LANYARD_SPECS names no folder, and %v", err)
	}
	return at
}

// descriptions gives the folder of the API descriptions.
func descriptions(t *testing.T) string {
	t.Helper()
	return filepath.Join(folder(t), "azure-rest-api-specs", "specification")
}

// node is a JSON value of a description, with the file it stands in, from which its references count.
type node struct {
	file  string
	value any
}

// library reads descriptions, each file once.
type library map[string]any

func (l library) read(file string) (node, error) {
	if value, ok := l[file]; ok {
		return node{file, value}, nil
	}
	text, err := os.ReadFile(file)
	if err != nil {
		return node{}, err
	}
	var value any
	if err := json.Unmarshal([]byte(strings.TrimPrefix(string(text), "\xef\xbb\xbf")), &value); err != nil {
		return node{}, fmt.Errorf("read %s: %w", file, err)
	}
	l[file] = value
	return node{file, value}, nil
}

// follow gives what n stands for, through any number of references.
func (l library) follow(n node) (node, error) {
	for range 32 {
		ref, ok := n.object()["$ref"].(string)
		if !ok {
			return n, nil
		}
		path, pointer, _ := strings.Cut(ref, "#")
		at := n.file
		if path != "" {
			at = filepath.Join(filepath.Dir(n.file), filepath.FromSlash(path))
		}
		target, err := l.read(at)
		if err != nil {
			return node{}, err
		}
		for _, name := range strings.Split(strings.Trim(pointer, "/"), "/") {
			if name == "" {
				continue
			}
			name = strings.ReplaceAll(strings.ReplaceAll(name, "~1", "/"), "~0", "~")
			below, ok := target.object()[name]
			if !ok {
				return node{}, fmt.Errorf("%s: %s leads nowhere", n.file, ref)
			}
			target.value = below
		}
		n = target
	}
	return node{}, errors.New(n.file + ": its references go round")
}

func (n node) object() map[string]any {
	m, _ := n.value.(map[string]any)
	return m
}

func (n node) at(name string) node { return node{n.file, n.object()[name]} }

func (n node) text(name string) string {
	s, _ := n.object()[name].(string)
	return s
}

func (n node) list(name string) []node {
	var all []node
	values, _ := n.object()[name].([]any)
	for _, v := range values {
		all = append(all, node{n.file, v})
	}
	return all
}

// example is one example request, with the operation it is an example of.
type example struct {
	name       string // the file's own, without folder
	version    string
	method     string
	path       string // with its parameters in braces
	operation  node
	shared     []node // parameters of all the path's operations
	parameters map[string]any
}

func (x example) String() string { return x.version + "/" + x.name }

// examples gives those of every operation that is asked about by its description's file and its
// path, in the order of the files, and how many of their files are missing.
func (l library) examples(root string, about func(file, path string) bool) (all []example, missing int, err error) {
	err = filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(file) != ".json" || strings.Contains(file, "examples") {
			return err
		}
		description, err := l.read(file)
		if err != nil {
			return err
		}
		for path := range description.at("paths").object() {
			if !about(filepath.ToSlash(file), path) {
				continue
			}
			found, without, err := l.ofPath(description, path)
			if err != nil {
				return err
			}
			all, missing = append(all, found...), missing+without
		}
		return nil
	})
	slices.SortFunc(all, func(a, b example) int {
		return strings.Compare(a.operation.file+a.path+a.method+a.name, b.operation.file+b.path+b.method+b.name)
	})
	return all, missing, err
}

func (l library) ofPath(description node, path string) (all []example, missing int, err error) {
	operations := description.at("paths").at(path)
	for method := range operations.object() {
		operation := operations.at(method)
		for title := range operation.at("x-ms-examples").object() {
			ref := operation.at("x-ms-examples").at(title)
			shown, err := l.follow(ref)
			if errors.Is(err, fs.ErrNotExist) {
				missing++
				continue
			}
			if err != nil {
				return nil, 0, err
			}
			all = append(all, example{name: filepath.Base(shown.file), version: description.at("info").text("version"), method: strings.ToUpper(method),
				path: path, operation: operation, shared: operations.list("parameters"), parameters: shown.at("parameters").object()})
		}
	}
	return all, missing, nil
}
