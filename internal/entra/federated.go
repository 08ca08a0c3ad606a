package entra

import (
	"context"
	"crypto/rsa"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
	"lanyard/internal/token"
)

// foreign knows the keys of issuers that people's federated credentials name.
type foreign interface {
	// Key gives an issuer's key of that id. It fails with ErrNoKey when the issuer has none, and
	// with a fault, whose sentence is for the client, when the issuer cannot be asked.
	Key(ctx context.Context, issuer, kid string) (*rsa.PublicKey, error)
}

// ErrNoKey says that an issuer publishes no such key.
var ErrNoKey = errors.New("the issuer publishes no key of that id")

// foreignAlgorithm is the only one with which tokens of other issuers may be signed (wire-facts:
// "Federated identity credential rules").
const foreignAlgorithm = "RS256"

// longestForeign is for how long a foreign issuer's token may be good (AADSTS70023, as Azure words it).
const longestForeign = 25 * time.Hour

// authenticateByTrust holds a token of another issuer against the federated credentials of a principal,
// and gives the name of the one that fits (TK-14, wire-facts: "Federated identity credential rules").
// Issuers are asked for keys only once somebody has said that they are to be trusted. A token may come
// again while it lasts: SDKs and az show the same one for each resource, and pods for each of their
// identities.
func (d *Door) authenticateByTrust(ctx context.Context, a *token.Assertion, who cloud.Principal) (string, error) {
	var all []cloud.FederatedCredential
	if d.Federated != nil && d.Trusted != nil {
		all = d.Federated(who.ID)
	}
	fits, err := match(d.readdressed(a), all, hintFor(who))
	if err != nil {
		return "", err
	}
	if a.Issuer == d.Profile.IssuerTwo(d.Tenant) {
		if err := d.speaksForApps(a, who); err != nil {
			return "", err
		}
	}
	if a.Algorithm() != foreignAlgorithm {
		return "", refuse(50027, "JWT token is invalid or malformed: it is signed %s, and of other issuers only %s is taken.", fault.Clip(a.Algorithm()), foreignAlgorithm)
	}
	if err := d.inForeignTime(a); err != nil {
		return "", err
	}
	key, err := d.Trusted.Key(ctx, a.Issuer, a.KeyID())
	switch {
	case errors.Is(err, ErrNoKey):
		return "", refuse(7000272, "The certificate with identifier %s used to sign the federated credential could not be found in the metadata of identity provider %s. Please validate that your Identity Provider's metadata exposes the key used to sign the incoming token.",
			fault.Clip(a.KeyID()), fault.Clip(a.Issuer)).Because(err)
	case err != nil:
		return "", unreachable(err)
	}
	if !slices.Contains(d.Federated(who.ID), fits) { // its issuer may have taken its time on purpose
		return "", refuse(700211, "No matching federated identity record found for presented assertion issuer '%s'.", fault.Clip(a.Issuer)).Try("%s", hintFor(who))
	}
	if err := d.notTakenBack(a); err != nil {
		return "", err
	}
	if err := a.SignedWith(key); err != nil {
		return "", refuse(700027, "The assertion failed signature validation. [Reason - The provided signature value did not match the expected signature value., Thumbprint of key used by client: '%s']",
			fault.Clip(a.KeyID())).Because(err)
	}
	if err := d.spend(ctx, a); err != nil {
		return "", err
	}
	httpkit.Note(ctx, httpkit.KeyFederated, fits.Name)
	return fits.Name, nil
}

// spend refuses a token that came before, in a world where each is good once; any process of the world
// may have taken it. It is remembered until its own times refuse it.
func (d *Door) spend(ctx context.Context, a *token.Assertion) error {
	if !d.ForeignOnce {
		return nil
	}
	err := d.create(ctx, keysSpent+hash(a.Signed()), expiring{Ends: a.Expires.Add(2 * token.Skew)})
	if errors.Is(err, store.ErrConflict) {
		return refuse(50013, "Assertion is invalid because of various reasons: it was presented before, and each is good once here.").
			Try("a new token of its issuer for each request, or lanyard up --federated-tokens reusable")
	}
	return err
}

// readdressed gives an assertion with the name of the exchange where our own authority wrote its app id, as
// v2.0 tokens have it: so a managed identity speaks for an application (Microsoft Entra, "Configure an
// application to trust a managed identity").
func (d *Door) readdressed(a *token.Assertion) *token.Assertion {
	if a.Issuer != d.Profile.IssuerTwo(d.Tenant) {
		return a
	}
	named := *a
	named.Audiences = nil // what is meant for another service is not exchanged, whatever is trusted
	if a.Audience == cloud.TokenExchangeApp {
		named.Audiences = []string{cloud.TokenExchange}
	}
	return &named
}

// speaksForApps refuses a token of our own authority but where a user-assigned identity speaks for an
// application: otherwise who once had a token would get the next by it for ever, without secret or host
// (AADSTS700236; Microsoft Entra, "Configure an application to trust a managed identity").
func (d *Door) speaksForApps(a *token.Assertion, who cloud.Principal) error {
	speaker, there := d.Directory.Principal(cloud.PrincipalID(a.Subject))
	if who.Kind == cloud.Application && (!there || speaker.Kind == cloud.UserAssigned) { // see notTakenBack for one that is gone
		return nil
	}
	return refuse(700236, "Entra ID tokens issued by issuer '%s' may not be used for federated identity credential flows for applications or managed identities registered in this tenant.", a.Issuer)
}

// notTakenBack refuses a token of our own authority that guards would refuse: whose principal is gone, or
// whose tokens were revoked. Nobody knows that of other issuers' tokens.
func (d *Door) notTakenBack(a *token.Assertion) error {
	if a.Issuer != d.Profile.IssuerTwo(d.Tenant) {
		return nil
	}
	minted, known := token.MintedAt(a.Token)
	if !known {
		minted = a.IssuedAt
	}
	host, _ := cloud.ParseID(a.Host) // none stands for no app
	who, there := d.Directory.Principal(cloud.PrincipalID(a.Subject))
	if !there || minted.Before(who.ValidFrom) || d.Revoked != nil && d.Revoked(a.Token, who.ID, host, minted) {
		return refuse(50173, "The provided grant has expired due to it being revoked, a fresh auth token is needed.")
	}
	return nil
}

// match finds the credential that trusts an assertion. Everything is compared byte for byte, and what
// does not fit is said in the order issuer, subject, audience.
func match(a *token.Assertion, all []cloud.FederatedCredential, hint string) (cloud.FederatedCredential, error) {
	const check = "Check your federated identity credential Subject, Audience and Issuer against the presented assertion. https://learn.microsoft.com/entra/workload-id/workload-identity-federation"
	var issuer, folded, subject bool
	for _, c := range all {
		if c.Issuer != a.Issuer {
			continue
		}
		issuer = true
		folded = folded || strings.EqualFold(c.Subject, a.Subject)
		if c.Subject != a.Subject {
			continue
		}
		subject = true
		if slices.Contains(a.Audiences, c.Audience) {
			return c, nil
		}
	}
	const none = "No matching federated identity record found for presented assertion"
	switch {
	case subject:
		return cloud.FederatedCredential{}, refuse(700212, "%s audience '%s'. %s", none, fault.Clip(strings.Join(a.Audiences, ", ")), check).Try("%s", hint)
	case folded:
		return cloud.FederatedCredential{}, refuse(7002138, "%s subject '%s'. The subject matches with case-insensitive comparison, but not with case-sensitive comparison. %s", none, fault.Clip(a.Subject), check).Try("%s", hint)
	case issuer:
		return cloud.FederatedCredential{}, refuse(700213, "%s subject '%s'. %s", none, fault.Clip(a.Subject), check).Try("%s", hint)
	}
	return cloud.FederatedCredential{}, refuse(700211, "%s issuer '%s'. %s", none, fault.Clip(a.Issuer), check).Try("%s", hint)
}

// hintFor gives the command that shows whom a principal trusts. It repeats nothing that strangers sent.
func hintFor(who cloud.Principal) string {
	if who.Kind == cloud.UserAssigned {
		return fmt.Sprintf("lanyard identity federated-credential list --identity-name %s --resource-group %s", who.Resource.Name(), who.Resource.Group())
	}
	return "lanyard ad app federated-credential list --id " + string(who.Client)
}

// inForeignTime holds a foreign token's own times against the clock, give or take what clocks differ by
// (T24), and against the world's, by which it may have aged.
func (d *Door) inForeignTime(a *token.Assertion) error {
	now, from := d.now(), a.NotBefore
	if from.Before(a.IssuedAt) {
		from = a.IssuedAt
	}
	if from.IsZero() {
		from = now
	}
	life := a.Expires.Sub(from)
	if life > longestForeign {
		return refuse(70023, "External OIDC Provider token must have a lifetime of less than or equal to 1.01:00:00.")
	}
	if now.Before(from.Add(-token.Skew)) || !now.Before(a.Expires.Add(token.Skew)) || d.age(from) >= life+token.Skew {
		return outOfTime(now, from, a.Expires)
	}
	return nil
}

// unreachable says that an issuer's keys could not be had, as Entra does; the reason is for whoever
// looks after the issuer.
func unreachable(err error) error {
	f := fault.Of(err)
	if f.Kind == fault.Internal {
		return err
	}
	said := refuse(50166, "Request to External OIDC endpoint failed: %s", f.Public).Because(err)
	if f.Hint != "" {
		said.Try("%s", f.Hint)
	}
	return said
}
