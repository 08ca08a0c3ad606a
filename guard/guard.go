// Package guard verifies who calls and decides what they may do.
//
// It must not know any service or protocol beyond the bearer token itself: how a refusal is spelled is its caller's.
package guard

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/rbac"
	"lanyard/internal/token"
)

// Guard stands before one service. A nil function refuses: what cannot be asked is not allowed (T28).
// It is safe for concurrent use once its fields are set.
type Guard struct {
	// Tenant is the only directory whose principals may call.
	Tenant cloud.TenantID
	// Audiences are the aud values that mean this service, compared byte for byte (T12).
	Audiences []string
	// Issuers are the accepted iss values.
	Issuers []string
	// Keys gives the signing key of that id.
	Keys func(kid string) (token.Key, bool)
	// Principal gives the directory's entry: everything said of a caller comes from it (T19).
	Principal func(cloud.PrincipalID) (cloud.Principal, bool)
	// Decide judges a request by the roles that were granted.
	Decide func(rbac.Request) rbac.Decision
	// Suggest names the least role that would allow an action, for hints; nil suggests none.
	Suggest func(action string, data bool) (cloud.Role, bool)
	// Authority is where tokens come from, e.g. https://login.microsoftonline.com; it appears in
	// challenges. Empty leaves it out.
	Authority string
	// Backdated is by how much the issuer dates iat back (wire-facts: "Managed identity access
	// token": 300 s): it tells when a token was minted.
	Backdated time.Duration
	// Revoked reports whether a token was taken back; nil means that none is.
	Revoked func(token string, of cloud.PrincipalID, app cloud.ID, minted time.Time) bool
	// Home says why a token that names an app must not come by the connection of this request, and nil
	// when it may (T10). It is asked of tokens that are good in all else; a nil Home lets them come by any.
	Home func(ctx context.Context, caller cloud.Caller, app cloud.ID) error
	// Age says how old something is by the world's clock; nil means the real time since then.
	Age func(born time.Time) time.Duration
	Now func() time.Time // nil means time.Now
	Log *slog.Logger     // refusals, at level Debug; nil discards
}

// Identify gives the caller that a request's bearer token speaks for. Otherwise it gives a fault of
// kind Unauthenticated, whose Err is a *Rejection and whose Header is a challenge (RFC 6750 section 3).
func (g *Guard) Identify(r *http.Request) (cloud.Caller, error) {
	caller, rejection := g.identify(r)
	if rejection != nil {
		g.debug(r.Context(), "token rejected", httpkit.KeyError, rejection.Error())
		return cloud.Caller{}, g.reject(rejection)
	}
	httpkit.Note(r.Context(), httpkit.KeyCaller, caller.Principal)
	httpkit.Note(r.Context(), httpkit.KeyTokenID, caller.TokenID)
	httpkit.Note(r.Context(), httpkit.KeyKeyID, caller.KeyID)
	return caller, nil
}

func (g *Guard) identify(r *http.Request) (cloud.Caller, *Rejection) {
	raw, rejection := bearer(r)
	if rejection != nil {
		return cloud.Caller{}, rejection
	}
	now := g.now()
	verifier := token.Verifier{Keys: g.Keys, Issuers: g.Issuers, Audiences: g.Audiences}
	if g.Keys == nil {
		verifier.Keys = func(string) (token.Key, bool) { return token.Key{}, false }
	}
	claims, err := verifier.Verify(raw, now)
	if err != nil {
		return cloud.Caller{}, g.unverified(raw, err)
	}
	if rejection := g.recognise(claims); rejection != nil {
		return cloud.Caller{}, rejection
	}
	app := mintedFor(claims)
	if rejection := g.outdated(claims, app, now); rejection != nil {
		return cloud.Caller{}, rejection
	}
	caller := cloud.Caller{
		Principal: claims.Principal, Client: claims.Client, Tenant: claims.Tenant,
		TokenID: claims.ID, KeyID: keyID(raw),
		Issued: time.Unix(claims.IssuedAt, 0).UTC(), Expires: time.Unix(claims.Expires, 0).UTC(),
		Resource: claims.Resource, Host: claims.Host,
		SignIn: claims.SignIn,
	}
	if claims.Scopes != "" {
		caller.Scopes = strings.Fields(claims.Scopes)
	}
	if rejection := g.strayed(r.Context(), caller, app); rejection != nil {
		return cloud.Caller{}, rejection
	}
	return caller, nil
}

// recognise holds verified claims against the directory's own entry. It accepts claims only if they
// are equal to the entry's, so that what follows may take them for the entry's own (T19).
func (g *Guard) recognise(c token.Claims) *Rejection {
	var entry cloud.Principal
	known := false
	if g.Principal != nil {
		entry, known = g.Principal(c.Principal)
	}
	switch {
	case c.Tenant != g.Tenant:
		return reject(Mismatch, "the token is of tenant %.64q, not %s", c.Tenant, g.Tenant)
	case !known:
		return reject(Gone, "no principal has the id %.64q any more", c.Principal)
	case entry.ID != c.Principal || entry.Tenant != c.Tenant:
		return reject(Mismatch, "the directory's principal is another one than the token's")
	}
	if rejection := g.matches(c, entry); rejection != nil {
		return rejection
	}
	if minted := c.Minted(g.Backdated); minted.Before(entry.ValidFrom) {
		return reject(Revoked, "the token was issued at %s, and those from before %s were revoked",
			minted.Format(time.RFC3339), entry.ValidFrom.UTC().Format(time.RFC3339))
	}
	return nil
}

// outdated refuses what was taken back, and what has grown too old by the world's clock although it has
// not ended: in both cases another token of the same caller may be good.
func (g *Guard) outdated(c token.Claims, app cloud.ID, now time.Time) *Rejection {
	minted := c.Minted(g.Backdated)
	if g.Revoked != nil && g.Revoked(c.ID, c.Principal, app, minted) {
		return reject(Revoked, "the token was revoked")
	}
	life := time.Unix(c.Expires, 0).Sub(minted)
	if g.Age != nil && now.Sub(minted) < life && g.Age(minted) >= life {
		return reject(AgedOut, "by this world's clock, which was moved, the token has ended")
	}
	return nil
}

// matches holds the claims that apps and people have apart against the entry. A token cannot make an
// app of a person or a person of an app: which of the two it is, the entry says.
func (g *Guard) matches(c token.Claims, entry cloud.Principal) *Rejection {
	if entry.Kind == cloud.User {
		switch {
		case c.Type != token.TypeUser || c.Client == "":
			return reject(Mismatch, "%s is a person, and the token is not a person's", entry.ID)
		case c.SignIn == "" || c.SignIn != entry.SignIn:
			return reject(Mismatch, "%s signs in as %s, the token says %.64q", entry.ID, entry.SignIn, c.SignIn)
		case len(strings.Fields(c.Scopes)) == 0:
			return reject(Mismatch, "the token lets its app do nothing in the name of %s", entry.SignIn)
		}
		return nil
	}
	switch {
	case entry.Client != c.Client:
		return reject(Mismatch, "principal %s has client id %s, the token %.64q", entry.ID, entry.Client, c.Client)
	case c.Subject != "" && c.Subject != string(c.Principal):
		return reject(Mismatch, "the token's subject %.64q is not its principal %s", c.Subject, c.Principal)
	case c.Type != "" && c.Type != token.TypeApp, c.SignIn != "", c.Scopes != "":
		return reject(Mismatch, "the token says of the app %s what is said of people", entry.Client)
	}
	return nil
}

// Permit says whether a caller may do an action at a scope; data tells data actions from those of
// the management plane. A refusal is a fault of kind Forbidden, whose Err is a *Refusal and whose
// Hint is the command that grants the least role. A caller who has gone since is Unauthenticated.
func (g *Guard) Permit(ctx context.Context, caller cloud.Caller, action string, data bool, at cloud.ID) error {
	httpkit.Note(ctx, httpkit.KeyAction, action)
	httpkit.Note(ctx, httpkit.KeyScope, at.Key())
	if err := ctx.Err(); err != nil {
		return fault.New(fault.Unavailable, "ServiceUnavailable", "The request ended before it was decided.").Because(err)
	}
	var entry cloud.Principal
	known := false
	if g.Principal != nil {
		entry, known = g.Principal(caller.Principal)
	}
	if !known {
		return g.reject(reject(Gone, "no principal has the id %.64q any more", caller.Principal))
	}
	var decision rbac.Decision
	if g.Decide != nil && action != "" && !at.IsZero() {
		decision = g.Decide(rbac.Request{Principal: entry.ID, Action: action, Data: data, At: at})
	}
	if decision.Allowed {
		return nil
	}
	refusal := &Refusal{Caller: caller, Name: entry.Name, Action: action, Data: data, Scope: at, Decision: decision}
	if g.Suggest != nil {
		refusal.Role, _ = g.Suggest(action, data)
	}
	g.debug(ctx, "action refused", httpkit.KeyCaller, caller.Principal, httpkit.KeyAction, action, httpkit.KeyScope, at.Key())
	return refusal.fault()
}

func (g *Guard) now() time.Time {
	if g.Now != nil {
		return g.Now()
	}
	return time.Now()
}

func (g *Guard) debug(ctx context.Context, event string, facts ...any) {
	if g.Log != nil {
		g.Log.DebugContext(ctx, event, facts...)
	}
}

// bearer takes the one token out of the request's one Authorization header (RFC 6750 section 2.1).
func bearer(r *http.Request) (string, *Rejection) {
	headers := r.Header.Values("Authorization")
	switch {
	case len(headers) == 0:
		return "", reject(NoToken, "the request has no Authorization header")
	case len(headers) > 1:
		return "", reject(Malformed, "the request has %d Authorization headers", len(headers))
	}
	scheme, raw, _ := strings.Cut(headers[0], " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return "", reject(NoToken, "the Authorization header holds no Bearer token")
	}
	raw = strings.Trim(raw, " ")
	if raw == "" {
		return "", reject(NoToken, "the Authorization header's Bearer token is empty")
	}
	return raw, nil
}

func reject(reason Reason, format string, args ...any) *Rejection {
	return &Rejection{Reason: reason, Detail: fmt.Sprintf(format, args...)}
}
