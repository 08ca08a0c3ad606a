// Package secret seals values at rest under one master key.
//
// It must not know what it seals, nor where sealed values lie.
package secret

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/xchacha20poly1305"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/secretdata"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// ErrUnopened says that a value was not sealed with this key in this context, or was altered since.
var ErrUnopened = errors.New("secret: the value was not sealed with this key in this context, or was altered")

// Box seals and opens values with a master key that it never shows. It is safe for concurrent use.
type Box struct{ aead tink.AEAD }

// NewBox draws a master key from rand, nil meaning crypto/rand, and keeps it in memory only.
func NewBox(rand io.Reader) (*Box, error) {
	keys, err := draw(rand)
	if err != nil {
		return nil, err
	}
	return boxOf(keys)
}

// Seal encrypts plain so that only Open with the same context opens it. The context, usually the
// key under which the sealed value is stored, is authenticated and not hidden: a sealed value that
// was moved to another place does not open there.
func (b *Box) Seal(plain []byte, context string) ([]byte, error) {
	sealed, err := b.aead.Encrypt(plain, []byte(context))
	if err != nil {
		return nil, fmt.Errorf("seal %s: %w", context, err)
	}
	return sealed, nil
}

// Open gives what Seal sealed in the same context, or ErrUnopened.
func (b *Box) Open(sealed []byte, context string) ([]byte, error) {
	plain, err := b.aead.Decrypt(sealed, []byte(context))
	if err != nil {
		return nil, fmt.Errorf("open %s: %w", context, ErrUnopened)
	}
	return plain, nil
}

// String keeps the key out of fmt and slog.
func (b *Box) String() string { return "[box]" }

// GoString keeps the key out of %#v.
func (b *Box) GoString() string { return "[box]" }

// draw makes a keyset of one XChaCha20-Poly1305 key. Its nonces are long enough to be drawn at
// random for as many values as a store will ever hold, which those of AES-GCM are not.
func draw(from io.Reader) (*keyset.Handle, error) {
	if from == nil {
		from = rand.Reader
	}
	var drawn [36]byte // a key, and its number in the keyset
	if _, err := io.ReadFull(from, drawn[:]); err != nil {
		return nil, fmt.Errorf("draw master key: %w", err)
	}
	parameters, err := xchacha20poly1305.NewParameters(xchacha20poly1305.VariantTink)
	if err != nil {
		return nil, fmt.Errorf("make master key: %w", err)
	}
	material := secretdata.NewBytesFromData(drawn[:32], insecuresecretdataaccess.Token{})
	key, err := xchacha20poly1305.NewKey(material, binary.BigEndian.Uint32(drawn[32:]), parameters)
	if err != nil {
		return nil, fmt.Errorf("make master key: %w", err)
	}
	manager := keyset.NewManager()
	number, err := manager.AddKey(key)
	if err != nil {
		return nil, fmt.Errorf("make master key: %w", err)
	}
	if err := manager.SetPrimary(number); err != nil {
		return nil, fmt.Errorf("make master key: %w", err)
	}
	keys, err := manager.Handle()
	if err != nil {
		return nil, fmt.Errorf("make master key: %w", err)
	}
	return keys, nil
}

func boxOf(keys *keyset.Handle) (*Box, error) {
	primitive, err := aead.New(keys)
	if err != nil {
		return nil, fmt.Errorf("use master key: %w", err)
	}
	return &Box{aead: primitive}, nil
}
