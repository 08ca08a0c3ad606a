package guard

import (
	"context"

	"lanyard/internal/cloud"
	"lanyard/internal/token"
)

// mintedFor gives the app that a token was minted for: what wears the user-assigned identity, or what
// the system-assigned one belongs to. It is zero for applications and people. A token that was got by
// federation names the identity alone.
func mintedFor(c token.Claims) cloud.ID {
	said := c.Host
	if said == "" {
		said = c.Resource
	}
	if said == "" {
		return cloud.ID{}
	}
	app, err := cloud.ParseID(said)
	if err != nil {
		return cloud.ID{}
	}
	return app
}

// strayed refuses a good token that comes from where it must not (T10). No other token of the same
// caller would fare better there, so that none is asked for.
func (g *Guard) strayed(ctx context.Context, caller cloud.Caller, app cloud.ID) *Rejection {
	if g.Home == nil || app.IsZero() {
		return nil
	}
	if err := g.Home(ctx, caller, app); err != nil {
		return reject(Elsewhere, "%v", err)
	}
	return nil
}
