// Package token signs and verifies access tokens, and publishes their keys.
//
// It must not know who may have a token, nor how keys are made, kept or rotated.
package token

import (
	"crypto/rsa"
	"time"

	"lanyard/internal/cloud"
)

// Skew is how far two clocks may lie apart (T24): what begins or ends is begun or ended only when
// it is so by more than this.
const Skew = 5 * time.Minute

// MaxSize bounds a token in bytes; Entra's own stay under it and proxies refuse longer headers.
const MaxSize = 16 << 10

// maxTime is the last second of the year 9999: the most that a NumericDate may be.
const maxTime = 253402300799

// Claims are what an access token says, of an app or of a person who signed in to one (wire-facts:
// "Managed identity access token"). Times are seconds since 1970 (RFC 7519 NumericDate).
type Claims struct {
	Audience         string            `json:"aud"`
	Issuer           string            `json:"iss"`
	IssuedAt         int64             `json:"iat"`
	NotBefore        int64             `json:"nbf"`
	Expires          int64             `json:"exp"`
	AIO              string            `json:"aio,omitempty"` // opaque
	Methods          []string          `json:"amr,omitempty"` // how a person proved who they are: "pwd"
	Client           cloud.ClientID    `json:"appid,omitempty"`
	ClientAuth       string            `json:"appidacr,omitempty"`     // "0" nothing, "1" a secret, "2" a certificate
	Party            cloud.ClientID    `json:"azp,omitempty"`          // Client as v2.0 tokens have it
	PartyAuth        string            `json:"azpacr,omitempty"`       // ClientAuth as v2.0 tokens have it
	Elsewhere        map[string]string `json:"_claim_names,omitempty"` // claims that do not fit, by the name of their source
	Sources          map[string]Source `json:"_claim_sources,omitempty"`
	Groups           []string          `json:"groups,omitempty"` // ids
	IdentityProvider string            `json:"idp,omitempty"`
	Type             string            `json:"idtyp,omitempty"` // TypeApp or TypeUser
	Name             string            `json:"name,omitempty"`  // a person's
	Principal        cloud.PrincipalID `json:"oid"`
	Preferred        string            `json:"preferred_username,omitempty"` // SignIn as v2.0 tokens have it
	RH               string            `json:"rh,omitempty"`                 // opaque
	Roles            []string          `json:"roles,omitempty"`
	Scopes           string            `json:"scp,omitempty"` // what the app may do in a person's name; spaces between
	Subject          string            `json:"sub"`           // an app's is its oid; a person's is another one for each audience
	Tenant           cloud.TenantID    `json:"tid"`
	UniqueName       string            `json:"unique_name,omitempty"` // a person's, as SignIn
	SignIn           string            `json:"upn,omitempty"`         // a person's user principal name
	ID               string            `json:"uti"`                   // names this token in records
	Version          string            `json:"ver"`
	// Host is the resource that the token was minted for, when it wears a user-assigned identity.
	Host string `json:"xms_az_rid,omitempty"`
	// XMSCC are the client's capabilities: with "CP1" it understands claims challenges.
	XMSCC []string `json:"xms_cc,omitempty"`
	FTD   string   `json:"xms_ftd,omitempty"`   // opaque
	IDRel string   `json:"xms_idrel,omitempty"` // opaque
	// Resource is the managed identity's resource id, with lower-case "resourcegroups".
	Resource string `json:"xms_mirid,omitempty"`
	// Founded is when the tenant was made, in seconds since 1970.
	Founded int64 `json:"xms_tcdt,omitempty"`
}

// Source is where a claim is asked for that does not fit (OpenID Connect Core section 5.6.2).
type Source struct {
	Endpoint string `json:"endpoint"`
}

// What idtyp says of whom a token speaks for.
const (
	TypeApp  = "app"
	TypeUser = "user"
)

// IDClaims are what an id token says to the app that a person signed in to (OpenID Connect Core
// section 2). It is no access token: its issuer is not the one that its key may speak for in those.
type IDClaims struct {
	Audience  cloud.ClientID    `json:"aud"`
	Issuer    string            `json:"iss"`
	IssuedAt  int64             `json:"iat"`
	NotBefore int64             `json:"nbf"`
	Expires   int64             `json:"exp"`
	Methods   []string          `json:"amr,omitempty"`
	Name      string            `json:"name"`
	Nonce     string            `json:"nonce,omitempty"` // the app's own, repeated
	Principal cloud.PrincipalID `json:"oid"`
	SignIn    string            `json:"preferred_username"`
	RH        string            `json:"rh,omitempty"`
	Subject   string            `json:"sub"` // the person's as this app alone knows it
	Tenant    cloud.TenantID    `json:"tid"`
	ID        string            `json:"uti"`
	Version   string            `json:"ver"`
}

// Key is a signing key as a verifier or a signer needs it. It speaks for one issuer only (T13).
type Key struct {
	ID          string // kid and x5t: base64url of the certificate's SHA-1, as Entra has it
	Issuer      string // the only iss that tokens signed with it may have
	NotBefore   time.Time
	NotAfter    time.Time
	Private     *rsa.PrivateKey // nil for a key that only verifies
	Public      *rsa.PublicKey
	Certificate []byte // DER; published as x5c
}

// ValidAt reports whether the key's own window holds now, give or take skew.
func (k Key) ValidAt(now time.Time, skew time.Duration) bool {
	return !now.Before(k.NotBefore.Add(-skew)) && !now.After(k.NotAfter.Add(skew))
}
