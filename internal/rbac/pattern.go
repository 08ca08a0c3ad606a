package rbac

import (
	"bytes"
	"strings"
)

// maxAction bounds a requested action in bytes; the longest that Azure's roles name has 149.
const maxAction = 1024

// fold appends a requested action in lower case to buf. It refuses what is no action: empty or
// overlong text, wildcards (a request for "*" would slip past every subtraction), and bytes outside
// printable ASCII, some of which Unicode folds into letters.
func fold(buf []byte, action string) ([]byte, bool) {
	if action == "" || len(action) > maxAction {
		return nil, false
	}
	for i := 0; i < len(action); i++ {
		c := action[i]
		if c <= ' ' || c > '~' || c == '*' {
			return nil, false
		}
		buf = append(buf, lower(c))
	}
	return buf, true
}

func lower(c byte) byte {
	if 'A' <= c && c <= 'Z' {
		return c + 'a' - 'A'
	}
	return c
}

// foldPattern brings a role's pattern to the form that wild and set compare with: ASCII letters in
// lower case, no blanks around it (some published roles have them), no star beside a star.
func foldPattern(p string) string {
	var b strings.Builder
	star := false
	for _, c := range []byte(strings.TrimSpace(p)) {
		if c == '*' && star {
			continue
		}
		star = c == '*'
		b.WriteByte(lower(c))
	}
	return b.String()
}

// set is a list of action patterns, prepared.
type set struct {
	exact map[string]struct{}
	wild  []wild
}

func newSet(patterns []string) set {
	s := set{exact: map[string]struct{}{}}
	for _, p := range patterns {
		if p = foldPattern(p); strings.Contains(p, "*") {
			s.wild = append(s.wild, newWild(p))
		} else {
			s.exact[p] = struct{}{}
		}
	}
	return s
}

func (s *set) isEmpty() bool { return len(s.exact) == 0 && len(s.wild) == 0 }

// match reports whether a folded action is in the set.
func (s *set) match(action []byte) bool {
	for i := range s.wild {
		if s.wild[i].match(action) {
			return true
		}
	}
	if len(s.exact) == 0 {
		return false
	}
	_, ok := s.exact[string(action)]
	return ok
}

// wild is one pattern with stars, cut at them. A star stands for any run of characters, slashes
// too; and a star that is a whole segment may stand for no segment at all: the built-in Managed
// Identity Operator has userAssignedIdentities/*/assign/action, and Azure takes that for
// userAssignedIdentities/assign/action, the action it is for (so, too, Key Vault Reader and
// Container Apps Contributor).
type wild struct {
	head, tail string
	middle     []string
}

func newWild(pattern string) wild {
	parts := strings.Split(pattern, "*")
	last := len(parts) - 1
	return wild{head: parts[0], middle: parts[1:last], tail: parts[last]}
}

// match walks the literals from left to right, each at the first place it fits: an earlier end
// leaves the rest more room, so no other choice need be tried.
func (w *wild) match(action []byte) bool {
	if len(action) < len(w.head) || string(action[:len(w.head)]) != w.head {
		return false
	}
	end, before := len(w.head), w.head
	for _, literal := range w.middle {
		from := end - overlap(before, literal)
		i := bytes.Index(action[from:], []byte(literal))
		if i < 0 {
			return false
		}
		end, before = from+i+len(literal), literal
	}
	from := len(action) - len(w.tail)
	return from >= end-overlap(before, w.tail) && string(action[from:]) == w.tail
}

// overlap is 1 where two literals may share one slash: where the star between them is a segment.
func overlap(before, after string) int {
	if strings.HasSuffix(before, "/") && strings.HasPrefix(after, "/") {
		return 1
	}
	return 0
}
