package guard

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"lanyard/internal/fault"
	"lanyard/internal/token"
)

// Reason says why a token was not accepted.
type Reason string

// The reasons.
const (
	NoToken       Reason = "no token"
	Malformed     Reason = "malformed" // not one well-formed RS256 token
	UnknownKey    Reason = "unknown key"
	BadSignature  Reason = "bad signature"
	WrongIssuer   Reason = "wrong issuer"
	WrongAudience Reason = "wrong audience"
	NotYetValid   Reason = "not yet valid"
	Expired       Reason = "expired"
	Gone          Reason = "principal gone"  // the directory no longer has it
	Revoked       Reason = "revoked"         // minted before Principal.ValidFrom, or taken back
	AgedOut       Reason = "aged out"        // too old by the world's clock, which was moved
	Elsewhere     Reason = "elsewhere"       // it came by a connection that is not its app's
	Mismatch      Reason = "not this caller" // the directory's principal has another tenant or client id
)

// reasons carries those of package token over; a new one there is Malformed here, never accepted.
var reasons = map[token.Reason]Reason{
	token.Malformed: Malformed, token.BadAlgorithm: Malformed, token.UnknownKey: UnknownKey,
	token.BadSignature: BadSignature, token.WrongIssuer: WrongIssuer, token.WrongAudience: WrongAudience,
	token.NotYetValid: NotYetValid, token.Expired: Expired,
}

// Rejection is why a request has no caller.
type Rejection struct {
	Reason Reason
	// Detail says more, with nothing in it but what the token and the directory say.
	Detail string
	// Found is the audience or issuer that the token has and should not have.
	Found string
	// Expected are the values that Found should have been.
	Expected []string
	// Claims, when not empty, is a claims request in standard base64. A challenge that carries it
	// with error="insufficient_claims" makes SDKs ask for a new token at once; after an ordinary
	// challenge they replay the cached one (wire-facts: "Bodies and headers").
	Claims string
}

// Error gives reason and detail.
func (r *Rejection) Error() string { return "guard: " + string(r.Reason) + ": " + r.Detail }

// unverified tells what the verifier found wrong.
func (g *Guard) unverified(raw string, err error) *Rejection {
	var refused *token.Error
	if !errors.As(err, &refused) {
		return reject(Malformed, "the token cannot be verified")
	}
	reason, known := reasons[refused.Reason]
	if !known {
		reason = Malformed
	}
	r := reject(reason, "%s", refused.Detail)
	switch reason {
	case WrongAudience:
		r.Found, r.Expected = said(raw).Audience, g.Audiences
	case WrongIssuer:
		r.Found, r.Expected = said(raw).Issuer, g.Issuers
	}
	return r
}

// reject makes the fault. Codes and sentences are those of the management API, the ones that
// people know (wire-facts: "Errors"); other protocols spell the Rejection their own way.
func (g *Guard) reject(r *Rejection) *fault.Error {
	if r.isStale() {
		r.Claims = freshClaims(g.now().Unix())
	}
	f := fault.New(fault.Unauthenticated, "InvalidAuthenticationToken", "The access token is not accepted: %s.", r.Detail)
	switch r.Reason {
	case NoToken:
		f = fault.New(fault.Unauthenticated, "AuthenticationFailed", "Authentication failed. The 'Authorization' header is missing.")
	case WrongAudience:
		f = fault.New(fault.Unauthenticated, "InvalidAuthenticationTokenAudience",
			"The access token has been obtained for wrong audience or resource '%s'. It should exactly match with one of the allowed audiences %s.",
			fault.Clip(r.Found), quoted(r.Expected))
		if len(r.Expected) > 0 {
			f.Try("lanyard token --resource %s", quote(r.Expected[0]))
		}
	case WrongIssuer:
		f = fault.New(fault.Unauthenticated, "InvalidAuthenticationTokenTenant",
			"The access token is from the wrong issuer '%s'. It must match one of %s.", fault.Clip(r.Found), quoted(r.Expected))
	case Expired, AgedOut:
		f = fault.New(fault.Unauthenticated, "ExpiredAuthenticationToken", "The access token expired: %s.", r.Detail)
	}
	var where []string
	if g.Authority != "" {
		where = []string{"authorization_uri", strings.TrimSuffix(g.Authority, "/") + "/" + string(g.Tenant)}
	}
	return f.Because(r).With("WWW-Authenticate", r.Challenge(where...))
}

// isStale reports whether another token of the same caller may well be accepted.
func (r *Rejection) isStale() bool {
	switch r.Reason {
	case Gone, Revoked, AgedOut, Expired, UnknownKey:
		return true
	}
	return false
}

// Challenge gives a WWW-Authenticate value: the parameters given as name, value, name, value, then
// what the rejection adds. Every value is quoted and commas are followed by a space, as SDKs need
// it (wire-facts: "Key Vault", "Bodies and headers").
func (r *Rejection) Challenge(parameters ...string) string {
	switch {
	case r.Claims != "":
		parameters = append(parameters, "error", "insufficient_claims", "claims", r.Claims)
	case r.Reason != NoToken:
		parameters = append(parameters, "error", "invalid_token", "error_description", string(r.Reason))
	case len(parameters) == 0:
		parameters = []string{"realm", "azure"}
	}
	var b strings.Builder
	b.WriteString("Bearer ")
	for i := 0; i+1 < len(parameters); i += 2 {
		if i > 0 {
			b.WriteString(", ")
		}
		fmt.Fprintf(&b, `%s="%s"`, parameters[i], strings.NewReplacer(`"`, "", "\r", "", "\n", "").Replace(parameters[i+1]))
	}
	return b.String()
}

// freshClaims asks for a token that begins now or later (OpenID Connect Core section 5.5).
func freshClaims(now int64) string {
	return base64.StdEncoding.EncodeToString(fmt.Appendf(nil,
		`{"access_token":{"nbf":{"essential":true,"value":"%d"}}}`, now))
}

// said reads the claims of a token that may have no right to them: for telling its bearer what it
// says, and for nothing else.
func said(raw string) (c token.Claims) {
	if parts := strings.Split(raw, "."); len(parts) == 3 {
		if payload, err := base64.RawURLEncoding.DecodeString(parts[1]); err == nil {
			_ = json.Unmarshal(payload, &c) // what cannot be read is left empty
		}
	}
	return c
}

// keyID gives the kid of a token that has been verified.
func keyID(raw string) string {
	header, _, _ := strings.Cut(raw, ".")
	var h struct {
		KeyID string `json:"kid"`
	}
	if plain, err := base64.RawURLEncoding.DecodeString(header); err == nil {
		_ = json.Unmarshal(plain, &h) // the verifier has read it already
	}
	return h.KeyID
}

func quoted(values []string) string {
	all := make([]string, len(values))
	for i, v := range values {
		all[i] = "'" + v + "'"
	}
	return strings.Join(all, ",")
}
