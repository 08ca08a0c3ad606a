// Package world reads world files: short YAML that describes identities, vaults, apps and grants.
//
// It must not know how a world is made real; it gives a deployment plan.
package world

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"gopkg.in/yaml.v3"

	"lanyard/internal/cloud"
)

// maxFile bounds a world file in bytes.
const maxFile = 1 << 20

// World is a world file. Every name in it is the name of a resource in Group.
type World struct {
	Group      string     `yaml:"group"`    // the resource group that holds everything; "world" when left out
	Location   string     `yaml:"location"` // "local" when left out
	Timing     string     `yaml:"timing"`   // what is done as late as Azure does it: cloud.ParseTiming; what it was when left out
	Identities []Identity `yaml:"identities"`
	Vaults     []Vault    `yaml:"vaults"`
	Apps       []App      `yaml:"apps"`
	Grants     []Grant    `yaml:"grants"`
}

// Identity is a user-assigned identity.
type Identity struct {
	Name string `yaml:"name"`
}

// Vault is a Key Vault with its secrets by name.
type Vault struct {
	Name    string            `yaml:"name"`
	Secrets map[string]string `yaml:"secrets"`
}

// App is a container app that runs a command.
type App struct {
	Name       string            `yaml:"name"`
	Identities []string          `yaml:"identities"` // "system", or names of identities
	Command    []string          `yaml:"command"`
	Env        map[string]string `yaml:"env"`
	Image      string            `yaml:"image"`
}

// Grant gives a role to an app's own identity, or to a user-assigned one, at a scope.
type Grant struct {
	To   string `yaml:"to"`   // name of an app with a system identity, or of an identity
	Role string `yaml:"role"` // name of the role
	At   string `yaml:"at"`   // name of a vault, "group", or a full scope
}

// System in App.Identities stands for the app's own identity.
const System = "system"

// Parse reads a world file. Unknown fields, double names and references to what is not in the
// file are errors that name the line or the entry.
func Parse(text []byte) (World, error) {
	var w World
	if len(text) > maxFile {
		return w, fmt.Errorf("world file is larger than %d bytes", maxFile)
	}
	dec := yaml.NewDecoder(bytes.NewReader(text))
	dec.KnownFields(true)
	if err := dec.Decode(&w); err != nil && !errors.Is(err, io.EOF) {
		return World{}, fmt.Errorf("read world file: %w", err)
	}
	if err := dec.Decode(&struct{}{}); !errors.Is(err, io.EOF) {
		return World{}, errors.New("read world file: it holds more than one document")
	}
	if w.Group == "" {
		w.Group = "world"
	}
	if w.Location == "" {
		w.Location = "local"
	}
	return w, w.check()
}

// names maps every name of the file to what bears it.
func (w World) names() (map[string]string, error) {
	seen, bears := map[string]string{}, map[string]string{}
	add := func(kind, name string) error {
		if name == "" {
			return fmt.Errorf("world file: a nameless entry stands under %s", kind)
		}
		if _, err := cloud.Root.In("Lanyard.World/"+kind, name); err != nil || strings.Contains(name, "/") {
			return fmt.Errorf("world file: %q under %s cannot be a resource's name", name, kind)
		}
		folded := strings.ToLower(name) // resource ids heed no case
		if other, ok := bears[folded]; ok {
			return fmt.Errorf("world file: %q names an entry under %s and one under %s", name, other, kind)
		}
		seen[name], bears[folded] = kind, kind
		return nil
	}
	for _, x := range w.Identities {
		if err := add("identities", x.Name); err != nil {
			return nil, err
		}
	}
	for _, x := range w.Vaults {
		if err := add("vaults", x.Name); err != nil {
			return nil, err
		}
		bears := map[string]bool{}
		for name := range x.Secrets {
			if _, err := cloud.Root.In("Lanyard.World/secrets", name); err != nil || strings.Contains(name, "/") || bears[strings.ToLower(name)] {
				return nil, fmt.Errorf("world file: %q in vault %q cannot be a secret's name, or is one twice", name, x.Name)
			}
			bears[strings.ToLower(name)] = true
		}
	}
	for _, x := range w.Apps {
		if err := add("apps", x.Name); err != nil {
			return nil, err
		}
	}
	return seen, nil
}

func (w World) check() error {
	if _, err := cloud.ParseID("/subscriptions/s/resourceGroups/" + w.Group); err != nil || strings.Contains(w.Group, "/") {
		return fmt.Errorf("world file: %q cannot be a resource group's name", w.Group)
	}
	if _, err := cloud.ParseTiming(w.Timing); err != nil && w.Timing != "" {
		return fmt.Errorf("world file: timing: %w", err)
	}
	names, err := w.names()
	if err != nil {
		return err
	}
	for _, a := range w.Apps {
		if len(a.Command) == 0 {
			return fmt.Errorf("world file: app %q has no command", a.Name)
		}
		for _, i := range a.Identities {
			if i != System && names[i] != "identities" {
				return fmt.Errorf("world file: app %q wears identity %q, which is not under identities", a.Name, i)
			}
		}
	}
	for i, g := range w.Grants {
		if kind := names[g.To]; kind != "apps" && kind != "identities" {
			return fmt.Errorf("world file: grant %d goes to %q, which is neither an app nor an identity of this file", i+1, g.To)
		}
		if g.Role == "" {
			return fmt.Errorf("world file: grant %d to %q names no role", i+1, g.To)
		}
		if g.At == "" || g.At != "group" && g.At[0] != '/' && names[g.At] == "" {
			return fmt.Errorf("world file: grant %d is at %q, which is no entry of this file, not \"group\" and no scope", i+1, g.At)
		}
		if _, err := cloud.ParseID(g.At); err != nil && g.At[0] == '/' {
			return fmt.Errorf("world file: grant %d: %w", i+1, err)
		}
	}
	return nil
}
