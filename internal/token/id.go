package token

import (
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"io"
	"time"
)

// A token's id, its uti, is 16 bytes in base64url as Entra's are: a mark, the microseconds since 1970
// at which the token was minted, and 8 random bytes. iat has whole seconds alone (RFC 7519 section 2),
// too coarse to say whether a token is from before a revocation or from after it.
const (
	idMark   = 1
	idRandom = 8
)

// NewID draws a token's id that says when the token was minted.
func NewID(at time.Time, rand io.Reader) (string, error) {
	var b [16]byte
	binary.BigEndian.PutUint64(b[:], uint64(at.UnixMicro()))
	b[0] = idMark // of the microseconds this byte is 0 until the year 4253
	if _, err := io.ReadFull(rand, b[16-idRandom:]); err != nil {
		return "", fmt.Errorf("draw token id: %w", err)
	}
	return base64.RawURLEncoding.EncodeToString(b[:]), nil
}

// MintedAt gives the time that an id of NewID holds, to the microsecond. Of other ids it says that it
// does not know; an id alone proves nothing, only a token that is signed and has it.
func MintedAt(uti string) (time.Time, bool) {
	var b [16]byte
	if len(uti) != base64.RawURLEncoding.EncodedLen(len(b)) {
		return time.Time{}, false
	}
	if _, err := base64.RawURLEncoding.Strict().Decode(b[:], []byte(uti)); err != nil || b[0] != idMark {
		return time.Time{}, false
	}
	b[0] = 0
	return time.UnixMicro(int64(binary.BigEndian.Uint64(b[:]))).UTC(), true
}

// Minted is MintedAt for claims that were verified: it believes the id only where iat, which is dated
// back by backdated, says the same but for the fraction of a second, and otherwise goes by iat.
func (c Claims) Minted(backdated time.Duration) time.Time {
	issued := time.Unix(c.IssuedAt, 0).Add(backdated).UTC()
	if at, ok := MintedAt(c.ID); ok && !at.Before(issued) && at.Before(issued.Add(time.Second)) {
		return at
	}
	return issued
}
