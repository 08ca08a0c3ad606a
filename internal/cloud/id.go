package cloud

import (
	"fmt"
	"strings"
)

// maxID bounds a resource id in bytes; Azure's own bound is lower for every known type.
const maxID = 2048

// ID is a resource id or scope of the management plane, e.g.
// /subscriptions/{s}/resourceGroups/{g}/providers/{namespace}/{type}/{name}.
// It keeps the spelling it was given and compares without regard to case, segment by segment
// (wire-facts: "Identifiers"). The zero ID is no scope at all and contains nothing.
type ID struct {
	text string // as written, no trailing slash; "/" for the root
	key  string // text in lower case: equal keys are equal ids
}

// Root is the scope above everything: the tenant.
var Root = ID{text: "/", key: "/"}

// ParseID reads a scope or resource id. It refuses whatever could be read in two ways: empty and
// dot segments, blanks at the edge of a segment, percent signs, backslashes, and characters outside
// printable ASCII.
func ParseID(text string) (ID, error) {
	trimmed := strings.TrimSuffix(text, "/")
	if text == "/" {
		return Root, nil
	}
	if len(text) > maxID {
		return ID{}, fmt.Errorf("resource id is longer than %d bytes", maxID)
	}
	if !strings.HasPrefix(trimmed, "/") {
		return ID{}, fmt.Errorf("resource id %q does not start with a slash", clip(text))
	}
	segments := strings.Split(trimmed[1:], "/")
	for _, s := range segments {
		if err := checkSegment(s); err != nil {
			return ID{}, fmt.Errorf("resource id %q: %w", clip(text), err)
		}
	}
	if err := checkShape(segments); err != nil {
		return ID{}, fmt.Errorf("resource id %q: %w", clip(text), err)
	}
	return ID{text: trimmed, key: strings.ToLower(trimmed)}, nil
}

// MustID is ParseID for literals; it panics on a malformed one.
func MustID(text string) ID {
	id, err := ParseID(text)
	if err != nil {
		panic(err)
	}
	return id
}

func clip(s string) string {
	if len(s) > 120 {
		return s[:120] + "..."
	}
	return s
}

func checkSegment(s string) error {
	if s == "" {
		return fmt.Errorf("it has an empty segment")
	}
	if s == "." || s == ".." {
		return fmt.Errorf("it has a dot segment")
	}
	if s[0] == ' ' || s[len(s)-1] == ' ' {
		return fmt.Errorf("it has a blank at the edge of a segment") // others trim it: azcore takes it for no segment
	}
	for i := 0; i < len(s); i++ {
		if c := s[i]; c <= ' ' && c != ' ' || c > '~' || c == '%' || c == '\\' || c == '?' || c == '#' {
			return fmt.Errorf("it has a forbidden character %q", c)
		}
	}
	return nil
}

// checkShape holds the segments against the grammar
// [subscriptions/{s}[/resourceGroups/{g}]] { /providers/{namespace} { /{type}/{name} }+ }.
func checkShape(segments []string) error {
	i := 0
	if strings.EqualFold(segments[0], "subscriptions") {
		if len(segments) < 2 {
			return fmt.Errorf("it names no subscription")
		}
		i = 2
		if len(segments) > 2 && strings.EqualFold(segments[2], "resourceGroups") {
			if len(segments) < 4 {
				return fmt.Errorf("it names no resource group")
			}
			i = 4
		}
	}
	for i < len(segments) {
		if !strings.EqualFold(segments[i], "providers") {
			return fmt.Errorf("segment %q stands where 'providers' is expected", segments[i])
		}
		i += 2
		pairs := 0
		for i+1 < len(segments) && !strings.EqualFold(segments[i], "providers") {
			i += 2
			pairs++
		}
		if pairs == 0 {
			return fmt.Errorf("it names no resource type and name after its provider namespace")
		}
		if i == len(segments)-1 && !strings.EqualFold(segments[i], "providers") {
			return fmt.Errorf("it ends in a type without a name")
		}
	}
	return nil
}

// String gives the id as it was written.
func (id ID) String() string { return id.text }

// Key gives the id in lower case, the form under which it is stored and compared.
func (id ID) Key() string { return id.key }

// IsZero reports whether id is the zero ID, which names nothing.
func (id ID) IsZero() bool { return id.key == "" }

// Equal reports whether two ids name the same resource.
func (id ID) Equal(other ID) bool { return id.key == other.key }

// Contains reports whether other is id or lies below it. It compares whole segments, so that
// .../rg-a does not contain .../rg-abc (AC-2, T18).
func (id ID) Contains(other ID) bool {
	switch {
	case id.key == "" || other.key == "":
		return false
	case id.key == "/":
		return true
	}
	// The boundary is looked at first: it tells most strangers apart without comparing their text.
	n := len(id.key)
	return (len(other.key) == n || len(other.key) > n && other.key[n] == '/') && other.key[:n] == id.key
}

func (id ID) segments() []string {
	if id.key == "" || id.key == "/" {
		return nil
	}
	return strings.Split(id.text[1:], "/")
}

// Name gives the last segment: the resource's own name.
func (id ID) Name() string {
	s := id.segments()
	if len(s) == 0 {
		return ""
	}
	return s[len(s)-1]
}

// Subscription gives the subscription's id without its path, or "".
func (id ID) Subscription() string {
	if s := id.segments(); len(s) >= 2 && strings.EqualFold(s[0], "subscriptions") {
		return s[1]
	}
	return ""
}

// Group gives the resource group's name, or "".
func (id ID) Group() string {
	if s := id.segments(); len(s) >= 4 && strings.EqualFold(s[2], "resourceGroups") {
		return s[3]
	}
	return ""
}

// lastProvider gives the index of the last "providers" segment, or -1.
func lastProvider(s []string) int {
	for i := len(s) - 1; i >= 0; i-- {
		if strings.EqualFold(s[i], "providers") && i+1 < len(s) && (len(s)-i)%2 == 0 {
			return i
		}
	}
	return -1
}

// Type gives the full resource type as written, e.g. Microsoft.KeyVault/vaults/secrets;
// Microsoft.Resources/subscriptions and .../resourceGroups for those two; "" for the root.
func (id ID) Type() string {
	s := id.segments()
	p := lastProvider(s)
	if p < 0 {
		switch len(s) {
		case 2:
			return "Microsoft.Resources/subscriptions"
		case 4:
			return "Microsoft.Resources/resourceGroups"
		}
		return ""
	}
	parts := []string{s[p+1]}
	for i := p + 2; i < len(s); i += 2 {
		parts = append(parts, s[i])
	}
	return strings.Join(parts, "/")
}

// Is reports whether the id's type is the one named, without regard to case.
func (id ID) Is(resourceType string) bool { return strings.EqualFold(id.Type(), resourceType) }

// Parent gives what the id lies directly in: the parent resource of a child type, the scope of a
// top-level or extension resource, the subscription of a group. The root's parent is the zero ID.
func (id ID) Parent() ID {
	s := id.segments()
	switch p := lastProvider(s); {
	case len(s) == 0:
		return ID{}
	case p < 0 && len(s) == 4:
		return id.upTo(2)
	case p < 0:
		return Root
	case len(s)-p > 4:
		return id.upTo(len(s) - 2)
	default:
		return id.upTo(p)
	}
}

// Scope gives what stands before the last /providers/: where a role assignment or lock applies.
func (id ID) Scope() ID {
	s := id.segments()
	if p := lastProvider(s); p >= 0 {
		return id.upTo(p)
	}
	return id
}

// upTo gives the id of the first n segments. It is cut out of this one: a million assignments keep
// their scopes without a text of their own.
func (id ID) upTo(n int) ID {
	if n == 0 {
		return Root
	}
	end := 0
	for range n {
		next := strings.IndexByte(id.text[end+1:], '/')
		if next < 0 {
			return id
		}
		end += 1 + next
	}
	return ID{text: id.text[:end], key: id.key[:end]}
}

// In gives the id of a resource of a top-level or extension type at this scope:
// scope.In("Microsoft.KeyVault/vaults", "kv").
func (id ID) In(resourceType, name string) (ID, error) {
	return ParseID(strings.TrimSuffix(id.text, "/") + "/providers/" + resourceType + "/" + name)
}

// Child gives the id of a child resource: vault.Child("secrets", "db").
func (id ID) Child(childType, name string) (ID, error) {
	return ParseID(strings.TrimSuffix(id.text, "/") + "/" + childType + "/" + name)
}

// MarshalText and UnmarshalText let an ID stand in JSON and YAML as its text.
func (id ID) MarshalText() ([]byte, error) { return []byte(id.text), nil }

// UnmarshalText parses what MarshalText wrote; empty text gives the zero ID.
func (id *ID) UnmarshalText(b []byte) (err error) {
	if len(b) == 0 {
		*id = ID{}
		return nil
	}
	*id, err = ParseID(string(b))
	return err
}
