package platform

import (
	"context"
	"fmt"
	"net/http"
	"sync"

	"lanyard/internal/cloud"
	"lanyard/internal/edge"
	"lanyard/internal/httpkit"
	"lanyard/internal/provider/app"
)

// codeElsewhere is the code of records of tokens that came from elsewhere than their app.
const codeElsewhere = "TokenFromElsewhere"

// arrival is a good token that one of our services was called with.
type arrival struct {
	caller   cloud.Caller
	app      cloud.ID // that it was minted for
	audience string
}

// home says whether an app's token came by the proxy credential of one of the app's living replicas:
// that is what the edge admitted, and nothing that a request says. A token that did not is recorded
// and, with BindTokens, refused (T10). What names no container app is at home everywhere.
func (p *Platform) home(ctx context.Context, a arrival) error {
	origin, _ := edge.ProxyUser(ctx)
	r, living := p.host.Replica(origin)
	if living && r.App.Equal(a.app) || !a.app.Is(app.Apps) {
		return nil
	}
	by := "no replica's proxy credential"
	if origin == p.place.User {
		by = "the proxy credential of the owner's shell"
	} else if origin != "" {
		by = "the proxy credential of the replica " + origin
	}
	said := fmt.Sprintf("was minted for the app %s and came by %s", a.app, by)
	if p.strays.first(stray{token: a.caller.TokenID, origin: origin}) {
		p.tell(ctx, a, cloud.Refused{Replica: origin, Reason: "The token " + said + "."})
	}
	if p.config.BindTokens {
		return fmt.Errorf("it %s", said)
	}
	return nil
}

// tell logs and records a token that came from elsewhere.
func (p *Platform) tell(ctx context.Context, a arrival, one cloud.Refused) {
	if c := httpkit.ConnectionOf(ctx); c != nil {
		one.From = c.Remote.String()
	}
	if p.config.BindTokens {
		one.Status = http.StatusUnauthorized
	}
	one.Time, one.App, one.Token, one.Code, one.Audience = p.now(), a.app, a.caller.TokenID, codeElsewhere, a.audience
	one.Principal, one.Client = a.caller.Principal, a.caller.Client
	p.log.WarnContext(ctx, "a token came from elsewhere than its app", httpkit.KeyApp, a.app.String(), httpkit.KeyTokenID, one.Token,
		"from", one.From, "replica", one.Replica, "refused", p.config.BindTokens)
	p.signIns.Refuse(one)
}

// maxStrays bounds how many tokens from elsewhere are remembered; the oldest are forgotten, and told anew.
const maxStrays = 4096

// stray is a token at a place where it does not belong.
type stray struct{ token, origin string }

// strays remembers which tokens came from where, so that each is told once. The zero strays is ready.
type strays struct {
	mu   sync.Mutex
	seen map[stray]struct{}
	ring []stray // in the order they came
	next int     // of the ring, to be forgotten once it is full
}

// first reports whether a token comes from there for the first time.
func (s *strays) first(one stray) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if _, known := s.seen[one]; known {
		return false
	}
	if s.seen == nil {
		s.seen = map[stray]struct{}{}
	}
	if len(s.ring) < maxStrays {
		s.ring = append(s.ring, one)
	} else {
		delete(s.seen, s.ring[s.next])
		s.ring[s.next] = one
		s.next = (s.next + 1) % maxStrays
	}
	s.seen[one] = struct{}{}
	return true
}
