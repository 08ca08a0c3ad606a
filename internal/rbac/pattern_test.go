package rbac

import (
	"strings"
	"testing"
)

func TestPatterns(t *testing.T) {
	cases := []struct {
		pattern, action string
		want            bool
	}{
		{"*", "a", true},
		{"*/read", "a/b/c/read", true},
		{"*/read", "read", false},
		{"*/read", "a/b/readers", false},
		{"a/*", "a/b/c", true},
		{"a/*", "a", false},
		{"a/*", "ab/c", false},
		{"a/*/c", "a/b/b/c", true},
		{"a/*/c", "a/c", true}, // a star that is a segment may stand for none
		{"a/*/c", "ac", false},
		{"a/*/c", "a/bc", false},
		{"a/x*/c", "a/c", false}, // a star that is part of a segment may not
		{"a/x*/c", "a/x/c", true},
		{"a*c", "ac", true},
		{"a*a", "a", false},
		{"a/*/*/d", "a/d", true},
		{"a/**/d", "a/b/c/d", true},
		{"*b*", "abc", true},
		{"*b*b*", "abc", false},
		{"a*bc*bc", "abc", false},
		{"a*bc*bc", "abcbc", true},
		{"a/b", "A/B", true},
		{"A/B", "a/b", true},
		{" a/b ", "a/b", true},
		{"a/b", "a/b/c", false},
		{"a.b", "axb", false},
		{"", "a", false},
	}
	for _, c := range cases {
		action, ok := fold(nil, c.action)
		if s := newSet([]string{c.pattern}); !ok || s.match(action) != c.want {
			t.Errorf("%q matches %q: %v, want %v", c.pattern, c.action, !c.want, c.want)
		}
	}
}

// FuzzPatterns holds the matcher against the model, for patterns and actions of any kind.
func FuzzPatterns(f *testing.F) {
	f.Add("Microsoft.KeyVault/vaults/*/read", "Microsoft.KeyVault/vaults/secrets/read")
	f.Add("a/*/*/b*", "a/b/b/b")
	f.Add("*", "")
	f.Fuzz(func(t *testing.T, pattern, action string) {
		folded, ok := fold(nil, action)
		if !ok || len(pattern) > 60 || strings.Count(pattern, "*") > 6 || !printable(pattern) {
			return
		}
		s := newSet([]string{pattern})
		if got, want := s.match(folded), matches(pattern, action); got != want {
			t.Errorf("%q matches %q: %v, the model says %v", pattern, action, got, want)
		}
	})
}

func printable(s string) bool {
	return !strings.ContainsFunc(s, func(c rune) bool { return c < ' ' || c > '~' })
}
