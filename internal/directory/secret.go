package directory

import (
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"lanyard/internal/cloud"
)

var (
	// ErrWrongSecret says that a principal has no such secret.
	ErrWrongSecret = errors.New("directory: wrong client secret")
	// ErrExpiredSecret says that the secret was the principal's own, and has ended.
	ErrExpiredSecret = errors.New("directory: expired client secret")
	// ErrManaged says that a managed identity was to get a credential; only the platform holds its.
	ErrManaged = errors.New("directory: a managed identity has no secrets")
)

const (
	secretBytes = 32 // 256 bits: beyond guessing, so that a plain hash of it is safe
	saltBytes   = 16
	hintLength  = 3 // as Microsoft Graph's passwordCredential.hint
)

// AddSecret gives an application a new client secret that ends when told. Only its hash is kept,
// in *p, which the caller has still to write; the secret itself is not to be had again.
func (d *Directory) AddSecret(p *cloud.Principal, ends time.Time) (cloud.Sealed, error) {
	d.open()
	if p.Kind != cloud.Application {
		return cloud.Sealed{}, ErrManaged
	}
	if !ends.After(d.Now()) {
		return cloud.Sealed{}, fmt.Errorf("add secret: it would end at %v, which is past", ends)
	}
	random := make([]byte, secretBytes+saltBytes)
	if _, err := io.ReadFull(d.Rand, random); err != nil {
		return cloud.Sealed{}, fmt.Errorf("add secret: %w", err)
	}
	id, err := cloud.NewID(d.Rand)
	if err != nil {
		return cloud.Sealed{}, fmt.Errorf("add secret: %w", err)
	}
	secret, salt := base64.RawURLEncoding.EncodeToString(random[:secretBytes]), random[secretBytes:]
	p.Credentials = append(slices.Clone(p.Credentials), cloud.Credential{
		KeyID: id, Hint: secret[:hintLength], Salt: salt, Hash: hash(salt, secret), Ends: ends.UTC(),
	})
	return cloud.Seal(secret), nil
}

// CheckSecret holds a secret against those of a principal: nil, ErrWrongSecret or ErrExpiredSecret.
// How long it takes tells nothing of how much of a guess was right.
func (d *Directory) CheckSecret(p cloud.Principal, secret string) error {
	d.open()
	now, valid, ended := d.Now(), 0, 0
	for _, c := range p.Credentials {
		same := subtle.ConstantTimeCompare(hash(c.Salt, secret), c.Hash)
		if now.Before(c.Ends) {
			valid |= same
		} else {
			ended |= same
		}
	}
	switch {
	case p.Kind != cloud.Application || valid|ended == 0:
		return ErrWrongSecret
	case valid == 0:
		return ErrExpiredSecret
	}
	return nil
}

func hash(salt []byte, secret string) []byte {
	sum := sha256.Sum256(slices.Concat(salt, []byte(secret)))
	return sum[:]
}
