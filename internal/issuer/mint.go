package issuer

import (
	"context"
	"encoding/base64"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/token"
)

// Backdating is by how much iat and nbf lie before the time at which a token is minted; whoever
// holds iat against another time adds it first (wire-facts: "Managed identity access token").
const Backdating = 300 * time.Second

// How long tokens live from when they are minted (same heading).
const (
	managedLife     = 24 * time.Hour
	applicationLife = time.Hour
)

// Order is what a token is wanted for. Whoever orders has found out that the principal may have it.
type Order struct {
	Principal cloud.Principal
	// Audience becomes aud, byte for byte.
	Audience string
	// Host is the app that the token is minted for; zero for applications.
	Host cloud.ID
	// Capabilities are the client's own, e.g. cp1: it understands claims challenges.
	Capabilities []string
	// Life is how long the token lives; 0 means 24 hours for managed identities, 1 for others.
	Life time.Duration
	// ByCertificate says that an application proved who it is by an assertion, not by a secret.
	ByCertificate bool
	// Version is that of the token, "1.0" or "2.0"; empty means "1.0".
	Version string
	// Groups are the ids of the groups that the token is to name. More than fit are left to be asked for.
	Groups []string
	// Roles are the values of the app roles that the principal was assigned at the audience.
	Roles []string
	// Through is the application that acts in a person's name; the zero Delegate for all others.
	Through Delegate
}

// Delegate is an application to which a person signed in.
type Delegate struct {
	Client cloud.ClientID
	// Scopes are what it may do in the person's name.
	Scopes []string
}

// Minted is a token, with what records may say about it.
type Minted struct {
	Token   cloud.Sealed
	ID      string // uti
	KeyID   string // kid
	Issued  time.Time
	Expires time.Time
}

// Mint signs a token. It refuses when no key may sign now, and what lint finds fault with.
func (i *Issuer) Mint(ctx context.Context, o Order) (Minted, error) {
	i.prepare()
	if err := ctx.Err(); err != nil {
		return Minted{}, err
	}
	now := i.Now()
	key, err := i.signing(now)
	if err != nil {
		return Minted{}, err
	}
	claims, err := i.claims(o, now)
	if err != nil {
		return Minted{}, err
	}
	if err := i.lint(claims, key, now); err != nil {
		return Minted{}, fmt.Errorf("mint token: %w", err)
	}
	if claims.Version == versionTwo {
		rename(&claims)
	}
	raw, err := token.Sign(key, claims)
	if err != nil {
		return Minted{}, fmt.Errorf("mint token: %w", err)
	}
	return Minted{
		Token: cloud.Seal(raw), ID: claims.ID, KeyID: key.ID,
		Issued: time.Unix(claims.IssuedAt, 0), Expires: time.Unix(claims.Expires, 0),
	}, nil
}

// signing gives the key that signs now.
func (i *Issuer) signing(now time.Time) (token.Key, error) {
	r := i.ring.Load()
	if n := r.signs(i.spans(r, now), now); n >= 0 {
		return r.keys[n].key, nil
	}
	i.Wake()
	return token.Key{}, fault.New(fault.Unavailable, "temporarily_unavailable", "There is no signing key that is valid now.").
		Because(fmt.Errorf("mint token: none of %d signing keys may sign at %s", len(r.keys), now.UTC().Format(time.RFC3339)))
}

// claims spells an order as the claims of a v1.0 token; see rename for the others.
func (i *Issuer) claims(o Order, now time.Time) (token.Claims, error) {
	who := o.Principal
	life := o.Life
	switch {
	case life == 0 && who.Kind.IsManaged():
		life = managedLife
	case life == 0:
		life = applicationLife
	}
	ids, err := i.opaque(now)
	if err != nil {
		return token.Claims{}, err
	}
	issued := now.Add(-Backdating).Unix()
	c := token.Claims{
		Audience: o.Audience, Issuer: i.URL, IdentityProvider: i.URL,
		IssuedAt: issued, NotBefore: issued, Expires: now.Add(life).Unix(),
		AIO: ids.aio, RH: ids.rh, ID: ids.uti,
		Client: who.Client, ClientAuth: "1", Type: token.TypeApp,
		Principal: who.ID, Subject: string(who.ID), Tenant: who.Tenant, Version: versionOne,
	}
	if o.Version != "" && o.Version != versionOne {
		c.Version, c.Issuer = o.Version, i.URLTwo
	}
	i.belong(&c, o)
	if o.ByCertificate {
		c.ClientAuth = "2"
	}
	if who.Kind == cloud.User {
		speakFor(&c, o)
	}
	if who.Kind.IsManaged() {
		c.ClientAuth = "2"
		c.Resource = mirid(who.Resource)
		c.FTD, c.IDRel = ids.ftd, managedRelation
		if !i.Founded.IsZero() {
			c.Founded = i.Founded.Unix()
		}
	}
	if who.Kind == cloud.UserAssigned {
		c.Host = mirid(o.Host)
	}
	for _, capability := range o.Capabilities {
		if name := strings.ToUpper(capability); !slices.Contains(c.XMSCC, name) {
			c.XMSCC = append(c.XMSCC, name)
		}
	}
	return c, nil
}

// mirid spells a resource id as xms_mirid does: "resourcegroups" in lower case, the rest as it was.
func mirid(id cloud.ID) string {
	segments := strings.Split(id.String(), "/")
	if id.Group() != "" {
		segments[3] = "resourcegroups"
	}
	return strings.Join(segments, "/")
}

// opaque are the claims that mean something to nobody but us.
type opaque struct{ uti, aio, rh, ftd string }

func (i *Issuer) opaque(now time.Time) (opaque, error) {
	uti, err := token.NewID(now, i.Rand)
	if err != nil {
		return opaque{}, err
	}
	var b [24 + 24 + 24]byte
	if _, err := io.ReadFull(i.Rand, b[:]); err != nil {
		return opaque{}, fmt.Errorf("draw opaque claims: %w", err)
	}
	text := base64.RawURLEncoding.EncodeToString
	return opaque{uti: uti, aio: text(b[:24]), rh: "1." + text(b[24:48]) + ".", ftd: text(b[48:])}, nil
}
