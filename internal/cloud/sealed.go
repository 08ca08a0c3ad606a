package cloud

import (
	"errors"
	"log/slog"
)

// Sealed is a secret in memory: it refuses to be printed, logged or marshalled. Open gives the
// secret itself, and every call of it is a place for a reviewer to look.
type Sealed struct{ value string }

const sealedText = "[sealed]"

// Seal wraps a secret.
func Seal(secret string) Sealed { return Sealed{value: secret} }

// Open gives the secret.
func (s Sealed) Open() string { return s.value }

// IsZero reports whether there is no secret.
func (s Sealed) IsZero() bool { return s.value == "" }

// String hides the secret from fmt.
func (s Sealed) String() string { return sealedText }

// GoString hides the secret from %#v.
func (s Sealed) GoString() string { return sealedText }

// LogValue hides the secret from slog.
func (s Sealed) LogValue() slog.Value { return slog.StringValue(sealedText) }

// MarshalText refuses: a secret is never written by accident.
func (s Sealed) MarshalText() ([]byte, error) {
	return nil, errors.New("a sealed value does not marshal; open it where it is meant to leave")
}
