package graph

import "strings"

// kind tells the pieces of a filter apart.
type kind int

const (
	end kind = iota
	name
	quoted // a text, without its quotes
	sign
)

// lexeme is one piece of a filter, and where it stands in bytes.
type lexeme struct {
	kind kind
	text string
	pos  int
}

// lex takes a filter apart. The last piece is of kind end.
func lex(filter string) ([]lexeme, error) {
	if len(filter) > maxFilter {
		return nil, unsupported("The filter is longer than %d bytes.", maxFilter)
	}
	var all []lexeme
	for at := 0; at < len(filter); {
		switch c := filter[at]; {
		case c == ' ':
			at++
		case strings.IndexByte("(),:/", c) >= 0:
			all = append(all, lexeme{sign, filter[at : at+1], at})
			at++
		case c == '\'':
			text, length, ok := unquote(filter[at:])
			if !ok {
				return nil, invalidFilter("there is an unterminated string literal", at)
			}
			all = append(all, lexeme{quoted, text, at})
			at += length
		case isLetter(c):
			length := 1
			for at+length < len(filter) && isLetter(filter[at+length]) {
				length++
			}
			all = append(all, lexeme{name, filter[at : at+length], at})
			at += length
		default:
			return nil, invalidFilter("there is a character that no filter has", at)
		}
	}
	return append(all, lexeme{kind: end, pos: len(filter)}), nil
}

// unquote reads a text in single quotes, in which two stand for one, and gives its length in bytes.
func unquote(s string) (value string, length int, ok bool) {
	for i := 1; i < len(s); i++ {
		if s[i] != '\'' {
			continue
		}
		if i+1 < len(s) && s[i+1] == '\'' {
			i++
			continue
		}
		return strings.ReplaceAll(s[1:i], "''", "'"), i + 1, true
	}
	return "", 0, false
}

func isLetter(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || c == '_' || c == '-' || c == '@' || c == '.'
}
