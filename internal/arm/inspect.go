package arm

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"strings"

	"lanyard/internal/fault"
)

// inspect walks through JSON text before anything is made of it: it must not nest without end, and
// no object may have a member twice, in whichever case, as readers do not agree on which of the two counts.
func inspect(text []byte) error {
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.UseNumber()
	var open []*level // objects and arrays, outermost first
	for {
		token, err := dec.Token()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return invalidContent("it is not a JSON object.").Because(err)
		}
		if token == json.Delim('}') || token == json.Delim(']') {
			open = open[:len(open)-1]
			continue
		}
		if len(open) > 0 {
			name, isName := open[len(open)-1].next(token)
			if isName && !open[len(open)-1].add(name) {
				return invalidContent("it has the member '%s' twice.", fault.Clip(name))
			}
		}
		switch token {
		case json.Delim('{'):
			tags := len(open) == 1 && strings.EqualFold(open[0].last, "tags")
			open = append(open, &level{names: map[string]bool{}, exact: tags})
		case json.Delim('['):
			open = append(open, &level{})
		}
		if len(open) > maxDepth {
			return invalidContent("it nests deeper than %d levels.", maxDepth)
		}
	}
}

// level is one object or array that is being read.
type level struct {
	names map[string]bool // of an object's members; nil for an array
	exact bool            // names in two spellings are told apart: what tags are called is checked later
	named bool            // a member's name has been read, its value comes next
	last  string          // that name
}

// next takes a token up and reports whether it is a member's name.
func (l *level) next(token json.Token) (name string, isName bool) {
	if l.names == nil {
		return "", false
	}
	l.named = !l.named
	if !l.named {
		return "", false
	}
	l.last, isName = token.(string)
	return l.last, isName
}

// add keeps a member's name; it reports false when it was there before. Names are one where
// encoding/json takes them for one: it folds the letters k and s further than lower case does.
func (l *level) add(name string) bool {
	if !l.exact {
		name = strings.ToLower(strings.ToUpper(name))
	}
	if l.names[name] {
		return false
	}
	l.names[name] = true
	return true
}
