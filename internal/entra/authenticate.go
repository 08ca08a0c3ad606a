package entra

import (
	"context"
	"crypto/x509"
	"errors"
	"net/url"
	"slices"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
	"lanyard/internal/token"
)

// assertionType is the only kind of assertion (RFC 7523 section 2.2).
const assertionType = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

// proof is by what somebody proved who they are.
type proof struct {
	certificate bool   // an assertion, not a secret
	federated   string // the name of the federated credential that trusts the assertion's issuer
}

// authenticate holds a credential against the directory's. A managed identity has none of its own that
// anybody could present: tokens of other issuers alone can speak for it.
func (d *Door) authenticate(ctx context.Context, q request, who cloud.Principal) (proof, error) {
	switch {
	case q.assertion.IsZero() && q.assertionType != "", q.assertion.IsZero() && q.secret.IsZero():
		return proof{}, refuse(7000218, "The request body must contain the following parameter: 'client_assertion' or 'client_secret'.")
	case q.assertion.IsZero():
		return proof{}, d.authenticateBySecret(q, who)
	case !q.secret.IsZero():
		return proof{}, malformed("it authenticates in more than one way")
	case q.assertionType == "":
		return proof{}, missing("client_assertion_type")
	case q.assertionType != assertionType:
		return proof{}, refuse(7000216, "'client_assertion', 'client_secret' or 'request' is required for the 'client_credentials' grant type, and the client_assertion_type is not %s.", assertionType)
	}
	a, err := token.ReadAssertion(q.assertion.Open())
	if err != nil {
		return proof{}, refuse(50027, "JWT token is invalid or malformed: %s.", detail(err)).Because(err)
	}
	if !strings.EqualFold(a.Issuer, string(who.Client)) {
		name, err := d.authenticateByTrust(ctx, a, who)
		return proof{certificate: true, federated: name}, err
	}
	return proof{certificate: true}, d.authenticateByAssertion(a, who)
}

func (d *Door) authenticateBySecret(q request, who cloud.Principal) error {
	err := d.Directory.CheckSecret(who, q.secret.Open())
	if err == nil && who.Kind == cloud.Application {
		return nil
	}
	f := refuse(7000215, "Invalid client secret provided. Ensure the secret being sent in the request is the client secret value, not the client secret ID, for a secret added to app '%s'.", who.Client)
	if errors.Is(err, directory.ErrExpiredSecret) {
		f = refuse(7000222, "The provided client secret keys for app '%s' are expired.", who.Client)
	}
	if q.basic {
		f.With("WWW-Authenticate", `Basic realm="`+string(d.Tenant)+`"`)
	}
	return f.Because(err)
}

// authenticateByAssertion holds an assertion against the application's certificates (RFC 7523 section 3,
// wire-facts: "Client assertions accepted from clients"). One may come several times while it lasts:
// MSAL for Python and for Node make one and send it with every request of the next ten minutes.
func (d *Door) authenticateByAssertion(a *token.Assertion, who cloud.Principal) error {
	if !strings.EqualFold(a.Subject, string(who.Client)) {
		return refuse(700021, "Client assertion application identifier doesn't match 'client_id' parameter: its subject is '%s'.", fault.Clip(a.Subject))
	}
	if err := d.signed(a, who); err != nil {
		return err
	}
	if !d.isFor(a.Audience) {
		return refuse(700023, "Client assertion audience claim does not match Realm issuer: it is '%s'. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .", fault.Clip(a.Audience)).
			Try("the token endpoint as audience, https://%s/%s/oauth2/v2.0/token", d.Profile.Authority, d.Tenant)
	}
	return d.inTime(a)
}

// signed sees that one of the application's certificates signed an assertion.
func (d *Door) signed(a *token.Assertion, who cloud.Principal) error {
	var certificates []*x509.Certificate
	for _, c := range d.Directory.Certificates(who) {
		parsed, err := x509.ParseCertificate(c.DER)
		if err != nil {
			continue // the directory checked it when it came in
		}
		certificates = append(certificates, parsed)
	}
	_, err := a.SignedBy(certificates)
	var refused *token.Error
	switch {
	case err == nil:
		return nil
	case errors.As(err, &refused) && refused.Reason == token.BadSignature:
		return refuse(700027, "The certificate with identifier used to sign the client assertion is registered on application '%s', but the assertion failed signature validation. [Reason - The provided signature value did not match the expected signature value., Thumbprint of key used by client: '%s']",
			who.Client, fault.Clip(a.Thumbprint())).Because(err)
	}
	return refuse(700027, "The certificate with identifier used to sign the client assertion is not registered on application. [Reason - The key was not found., Thumbprint of key used by client: '%s', Please visit the Azure Portal, Graph Explorer or directly use MS Graph to see configured keys for app Id '%s'.]",
		fault.Clip(a.Thumbprint()), who.Client).Because(err)
}

// longestAssertion bounds for how long an assertion may be good for.
const longestAssertion = 24 * time.Hour

// inTime holds an assertion's own times against the clock, give or take what clocks differ by (T24).
func (d *Door) inTime(a *token.Assertion) error {
	now := d.now()
	if now.Before(a.Expires.Add(token.Skew)) && !now.Before(a.NotBefore.Add(-token.Skew)) && !a.Expires.After(now.Add(longestAssertion)) {
		return nil
	}
	from := a.NotBefore
	if from.IsZero() {
		from = now
	}
	return outOfTime(now, from, a.Expires)
}

func outOfTime(now, from, to time.Time) error {
	const form = "2006-01-02T15:04:05.0000000Z"
	return refuse(700024, "Client assertion is not within its valid time range. Current time: %s, assertion valid from %s, expiry time of assertion %s. Review the documentation at https://learn.microsoft.com/entra/identity-platform/certificate-credentials .",
		now.UTC().Format(form), from.UTC().Format(form), to.UTC().Format(form))
}

// isFor reports whether an assertion's audience is this authority: the token endpoint of either
// version or the issuer of either version, under any of the authority's names, with a trailing
// slash or without. All else is compared byte for byte (T12).
func (d *Door) isFor(audience string) bool {
	if audience == d.Profile.Issuer(d.Tenant) || audience+"/" == d.Profile.Issuer(d.Tenant) {
		return true
	}
	u, err := url.Parse(audience)
	if err != nil || u.Scheme != "https" || u.User != nil || u.RawQuery != "" || u.ForceQuery || strings.Contains(audience, "#") || u.RawPath != "" ||
		u.Host != strings.ToLower(u.Host) || !strings.HasPrefix(audience, "https://"+u.Host+"/") || !d.isOurs(u.Hostname()) {
		return false
	}
	if local := d.Profile.Public(u.Hostname()) != u.Hostname(); u.Port() != "" && (!local || u.Port() != d.Port) {
		return false // only local names have a port, and only our own: on others another world answers
	}
	named, rest, _ := strings.Cut(strings.TrimPrefix(u.Path, "/"), "/")
	named = strings.ToLower(named)
	return (named == string(d.Tenant) || named == d.Profile.Domain) &&
		slices.Contains([]string{"oauth2/v2.0/token", "oauth2/token", "v2.0"}, strings.TrimSuffix(rest, "/"))
}

// detail gives what a refusal of package token says to whoever presented the token.
func detail(err error) string {
	var refused *token.Error
	if errors.As(err, &refused) {
		return refused.Detail
	}
	return "it cannot be read"
}
