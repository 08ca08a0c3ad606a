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
	// ErrWrongSecret says that a principal has no such secret, or none that holds yet.
	ErrWrongSecret = errors.New("directory: wrong secret")
	// ErrExpiredSecret says that the secret was the principal's own, and has ended.
	ErrExpiredSecret = errors.New("directory: expired secret")
	// ErrManaged says that a principal was to get a credential that its kind cannot have: the platform
	// alone holds a managed identity's, and people have no certificates.
	ErrManaged = errors.New("directory: this kind of principal has no such credential")
)

const (
	secretBytes = 32 // 256 bits: beyond guessing, so that a plain hash of it is safe
	saltBytes   = 16
	hintLength  = 3 // as Microsoft Graph's passwordCredential.hint
)

// Term says what a credential is called and for how long it holds.
type Term struct {
	Name   string
	Starts time.Time // zero is now, or a certificate's own beginning
	Ends   time.Time
}

// AddSecret gives an application a new client secret, or a person a new password, that ends when
// told. Only its hash is kept, in *p, which the caller has still to write; the secret itself is not
// to be had again.
func (d *Directory) AddSecret(p *cloud.Principal, ends time.Time) (cloud.Sealed, error) {
	if !hasSecrets(p.Kind) {
		return cloud.Sealed{}, ErrManaged
	}
	c, secret, err := d.NewSecret(Term{Ends: ends})
	if err != nil {
		return cloud.Sealed{}, err
	}
	p.Credentials = append(slices.Clone(p.Credentials), c)
	return secret, nil
}

// spelling writes secrets so that they stand in forms and shells as they are, and without a dash: a
// word that begins with one is a flag to every command, az login among them.
var spelling = base64.NewEncoding("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._").WithPadding(base64.NoPadding)

// NewSecret draws a secret and gives it with what is kept of it. Nobody chooses a secret of their
// own: its hash is safe only because it cannot be guessed.
func (d *Directory) NewSecret(t Term) (cloud.Credential, cloud.Sealed, error) {
	d.open()
	now := d.Now()
	if t.Starts.IsZero() {
		t.Starts = now
	}
	if !t.Ends.After(now) || !t.Ends.After(t.Starts) {
		return cloud.Credential{}, cloud.Sealed{}, fmt.Errorf("add secret: it would end at %v, which is past", t.Ends)
	}
	random := make([]byte, secretBytes+saltBytes)
	if _, err := io.ReadFull(d.Rand, random); err != nil {
		return cloud.Credential{}, cloud.Sealed{}, fmt.Errorf("add secret: %w", err)
	}
	id, err := cloud.NewID(d.Rand)
	if err != nil {
		return cloud.Credential{}, cloud.Sealed{}, fmt.Errorf("add secret: %w", err)
	}
	secret, salt := spelling.EncodeToString(random[:secretBytes]), random[secretBytes:]
	return cloud.Credential{
		KeyID: id, Name: t.Name, Hint: secret[:hintLength], Salt: salt, Hash: hash(salt, secret),
		Starts: t.Starts.UTC(), Ends: t.Ends.UTC(),
	}, cloud.Seal(secret), nil
}

// CheckSecret holds a secret against those of a principal and of the application that it acts for:
// nil, ErrWrongSecret or ErrExpiredSecret.
// How long it takes tells nothing of how much of a guess was right.
func (d *Directory) CheckSecret(p cloud.Principal, secret string) error {
	d.open()
	now, valid, ended := d.Now(), 0, 0
	for _, c := range d.credentials(p) {
		same := subtle.ConstantTimeCompare(hash(c.Salt, secret), c.Hash)
		switch {
		case now.Before(c.Starts):
		case now.Before(c.Ends):
			valid |= same
		default:
			ended |= same
		}
	}
	switch {
	case !hasSecrets(p.Kind) || valid|ended == 0:
		return ErrWrongSecret
	case valid == 0:
		return ErrExpiredSecret
	}
	return nil
}

// credentials gives a principal's own and its application's.
func (d *Directory) credentials(p cloud.Principal) []cloud.Credential {
	if p.Kind != cloud.Application {
		return p.Credentials
	}
	a, _ := d.ApplicationOf(p.Client)
	return slices.Concat(p.Credentials, a.Credentials)
}

func hasSecrets(k cloud.Kind) bool { return k == cloud.Application || k == cloud.User }

func hash(salt []byte, secret string) []byte {
	sum := sha256.Sum256(slices.Concat(salt, []byte(secret)))
	return sum[:]
}
