package issuer

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/token"
)

// maxAudience bounds an audience in bytes.
const maxAudience = 2048

// lint looks at a token once more before it is signed: what leaves with a signature is believed
// everywhere, whichever caller got it wrong (T24). The bound on its size is token.Sign's.
func (i *Issuer) lint(c token.Claims, key token.Key, now time.Time) error {
	issued, expires := time.Unix(c.IssuedAt, 0), time.Unix(c.Expires, 0)
	switch {
	case i.URL == "" || i.URL != key.Issuer:
		return fmt.Errorf("its issuer %q is not the key's %q", i.URL, key.Issuer)
	case c.Version != versionOne && c.Version != versionTwo:
		return fmt.Errorf("it is of version %q", c.Version)
	case c.Version == versionOne && c.Issuer != i.URL, c.Version == versionTwo && (c.Issuer == "" || c.Issuer != i.URLTwo):
		return fmt.Errorf("its issuer %q is not that of version %s", c.Issuer, c.Version)
	case c.Version == versionTwo && !cloud.IsGUID(c.Audience):
		return fmt.Errorf("its audience %q is no application's id, as version 2.0 wants", c.Audience)
	case c.Audience == "" || len(c.Audience) > maxAudience:
		return errors.New("it has no audience, or one that is too long")
	case c.Tenant != i.Tenant || !cloud.IsGUID(string(c.Tenant)):
		return fmt.Errorf("its tenant %q is not %q", c.Tenant, i.Tenant)
	case !cloud.IsGUID(string(c.Principal)) || !cloud.IsGUID(string(c.Client)):
		return errors.New("it names no principal or no client")
	case c.Type == token.TypeApp && (c.Subject != string(c.Principal) || c.Scopes != "" || c.SignIn != ""):
		return errors.New("it says of an app what is said of people")
	case c.Type == token.TypeUser && (c.Subject == "" || c.Scopes == "" || c.SignIn == ""):
		return errors.New("it lets an app act for a person without saying who, or what for")
	case len(c.Sources) > 0 && i.Graph == "":
		return errors.New("it is of somebody in more groups than fit, and does not say where to ask for them")
	case len(c.Roles) > maxRoles || slices.ContainsFunc(c.Roles, func(r string) bool { return r == "" || len(r) > maxRole }):
		return errors.New("it names app roles that are too many, too long or empty")
	case slices.ContainsFunc(c.Groups, func(g string) bool { return !cloud.IsGUID(g) }):
		return errors.New("it names a group by what is no id")
	case c.ID == "":
		return errors.New("it has no id")
	case key.ID == "" || key.Private == nil || !key.ValidAt(now, 0):
		return fmt.Errorf("the key %q is not valid", key.ID)
	case !expires.After(now) || !expires.After(issued):
		return fmt.Errorf("it would have ended at %s", expires.UTC().Format(time.RFC3339))
	case expires.Sub(now) > MaxLife:
		return fmt.Errorf("it would live longer than %s", MaxLife)
	case expires.After(key.NotAfter):
		return errors.New("it would outlive its key")
	}
	return nil
}
