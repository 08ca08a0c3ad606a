package token

import "fmt"

// Reason says which check a token did not pass.
type Reason string

// The reasons, in the order in which the checks are made.
const (
	Malformed     Reason = "malformed"     // not a compact JWS with the claims that a token must have
	BadAlgorithm  Reason = "bad algorithm" // anything but RS256
	UnknownKey    Reason = "unknown key"   // no such key, or one outside its own window
	BadSignature  Reason = "bad signature"
	WrongIssuer   Reason = "wrong issuer" // not the key's own issuer, or not one that is accepted
	WrongAudience Reason = "wrong audience"
	NotYetValid   Reason = "not yet valid"
	Expired       Reason = "expired"
)

// Error says why a token was refused. Detail is for whoever presented the token: it holds nothing
// but what the token itself says.
type Error struct {
	Reason Reason
	Detail string
}

// Error gives reason and detail.
func (e *Error) Error() string { return "token: " + string(e.Reason) + ": " + e.Detail }

func refuse(reason Reason, format string, args ...any) error {
	return &Error{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
