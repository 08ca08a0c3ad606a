// Command generate writes the data file of package builtin from Azure's published role definitions.
//
// It must not know how roles are decided on, only how they are published and how the file spells them.
package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// published is one role definition as `az role definition list` gives it; only facts are read.
type published struct {
	ID          string `json:"name"`
	Name        string `json:"roleName"`
	Permissions []struct {
		Actions          []string `json:"actions"`
		NotActions       []string `json:"notActions"`
		DataActions      []string `json:"dataActions"`
		NotDataActions   []string `json:"notDataActions"`
		Condition        string   `json:"condition"`
		ConditionVersion string   `json:"conditionVersion"`
	} `json:"permissions"`
}

// source is the name of the file that is looked for below the folder given.
const source = "built-in-roles-raw.json"

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: generate FOLDER FILE")
		os.Exit(2)
	}
	if err := run(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "generate:", err)
		os.Exit(1)
	}
}

func run(folder, file string) error {
	roles, err := read(folder)
	if err != nil {
		return fmt.Errorf("read roles: %w", err)
	}
	if err := os.WriteFile(file, spell(roles), 0o644); err != nil {
		return fmt.Errorf("write roles: %w", err)
	}
	return nil
}

func read(folder string) ([]published, error) {
	var roles []published
	err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Base(path) != source {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		return json.Unmarshal(text, &roles)
	})
	if err == nil && len(roles) == 0 {
		err = errors.New("there is no " + source + " below " + folder)
	}
	slices.SortFunc(roles, func(a, b published) int { return strings.Compare(strings.ToLower(a.ID), strings.ToLower(b.ID)) })
	return roles, err
}

// spell writes the grammar that package builtin documents and reads.
func spell(roles []published) []byte {
	var b bytes.Buffer
	for _, r := range roles {
		fmt.Fprintf(&b, "%s %s\n", strings.ToLower(r.ID), strings.TrimSpace(r.Name))
		for i, p := range r.Permissions {
			if i > 0 {
				b.WriteString("&\n")
			}
			list(&b, "+", p.Actions)
			list(&b, "-", p.NotActions)
			list(&b, ">", p.DataActions)
			list(&b, "<", p.NotDataActions)
			if p.Condition != "" {
				fmt.Fprintf(&b, "?%s %s\n", p.ConditionVersion, p.Condition)
			}
		}
	}
	return b.Bytes()
}

func list(b *bytes.Buffer, sign string, actions []string) {
	for _, a := range actions {
		b.WriteString(sign + strings.TrimSpace(a) + "\n")
	}
}
