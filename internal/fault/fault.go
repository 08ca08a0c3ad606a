// Package fault is the one error that a client may see.
//
// It must not know any protocol: each door spells a fault in its own dialect.
package fault

import (
	"errors"
	"fmt"
	"strings"
)

// Kind says what went wrong, in the terms every protocol shares.
type Kind int

// The kinds. The zero Kind is Internal, so that a forgotten classification never leaks.
const (
	Internal        Kind = iota
	Invalid              // the request cannot be understood or breaks a rule
	Unauthenticated      // no valid token
	Forbidden            // a valid token without the right
	NotFound
	WrongMethod
	Conflict
	Stale // a precondition such as If-Match does not hold
	TooLarge
	TooMany // slow down
	NotOffered
	Unavailable
)

var kinds = [...]struct {
	name   string
	status int
}{
	Internal: {"internal", 500}, Invalid: {"invalid", 400}, Unauthenticated: {"unauthenticated", 401},
	Forbidden: {"forbidden", 403}, NotFound: {"not found", 404}, WrongMethod: {"wrong method", 405},
	Conflict: {"conflict", 409}, Stale: {"stale", 412}, TooLarge: {"too large", 413},
	TooMany: {"too many", 429}, NotOffered: {"not offered", 501}, Unavailable: {"unavailable", 503},
}

// Kinds lists every kind, for tests that render them all.
func Kinds() []Kind {
	all := make([]Kind, len(kinds))
	for i := range kinds {
		all[i] = Kind(i)
	}
	return all
}

// String names the kind.
func (k Kind) String() string { return kinds[k].name }

// Status gives the HTTP status that most protocols use for the kind (RFC 9110 section 15).
func (k Kind) Status() int { return kinds[k].status }

// Error is a failure that may be shown to a client.
type Error struct {
	Kind   Kind
	Code   string            // the protocol's own code, e.g. ResourceNotFound
	Public string            // a sentence safe for strangers
	Hint   string            // what to type next; empty if there is nothing
	Inner  string            // a second, finer code where the protocol has one (Key Vault's innererror)
	Header map[string]string // what the answer must carry besides, e.g. a challenge
	Err    error             // for the log, never for the client
}

// New makes a fault; format and args make its public sentence.
func New(kind Kind, code, format string, args ...any) *Error {
	return &Error{Kind: kind, Code: code, Public: fmt.Sprintf(format, args...)}
}

// Because adds the cause for the log. It returns the same fault for chaining.
func (e *Error) Because(err error) *Error { e.Err = err; return e }

// Try adds what to type next.
func (e *Error) Try(format string, args ...any) *Error {
	e.Hint = fmt.Sprintf(format, args...)
	return e
}

// Within adds the protocol's finer code.
func (e *Error) Within(inner string) *Error { e.Inner = inner; return e }

// With adds a header to the answer.
func (e *Error) With(name, value string) *Error {
	if e.Header == nil {
		e.Header = map[string]string{}
	}
	e.Header[name] = value
	return e
}

// Error is the text for the log: code, sentence and cause.
func (e *Error) Error() string {
	if e.Err != nil {
		return fmt.Sprintf("%s: %s: %v", e.Code, e.Public, e.Err)
	}
	return e.Code + ": " + e.Public
}

// Unwrap gives the cause.
func (e *Error) Unwrap() error { return e.Err }

// Of gives the fault in err's chain, or an Internal one that says nothing of its cause.
func Of(err error) *Error {
	var f *Error
	if errors.As(err, &f) {
		return f
	}
	return New(Internal, "InternalServerError", "Something went wrong on our side; the log has the cause.").Because(err)
}

// Is reports whether err holds a fault of that kind.
func Is(err error, kind Kind) bool {
	var f *Error
	return errors.As(err, &f) && f.Kind == kind
}

// maxClip bounds what Clip gives, in bytes.
const maxClip = 200

// Clip is how a sentence repeats what a stranger sent: bounded, and in printable ASCII, as it also
// stands in headers, logs and terminals.
func Clip(s string) string {
	whole := len(s) <= maxClip
	s = strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return '?'
		}
		return r
	}, s[:min(len(s), maxClip)])
	if whole {
		return s
	}
	return s + "..."
}
