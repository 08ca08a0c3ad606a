package platform

import (
	"context"
	"crypto/rsa"
	"slices"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/entra/trusted"
	"lanyard/internal/host"
	"lanyard/internal/issuer"
	"lanyard/internal/token"
)

// exchange is the audience of tokens that are exchanged for access tokens (wire-facts: "Federated
// identity credential rules").
const exchange = "api://AzureADTokenExchange"

// workloadToken gives a replica's own token, which its SDK shows for a token of an identity that trusts
// it, and when it ends (wire-facts: "Workload identity (federated)").
func (p *Platform) workloadToken(ctx context.Context, r *host.Replica) (raw cloud.Sealed, ends time.Time, err error) {
	w := issuer.Workload{
		Issuer: cloud.Azure.WorkloadIssuer(p.deed.Tenant), Audience: exchange,
		Group: r.App.Group(), Account: r.App.Name(), Replica: r.Name,
	}
	minted, err := p.issuer.Vouch(ctx, w)
	if err != nil {
		return cloud.Sealed{}, time.Time{}, err
	}
	err = p.signIns.Record(ctx, cloud.SignIn{
		Token: minted.ID, Key: minted.KeyID, Time: p.now(), Expires: minted.Expires, Name: w.Subject(),
		App: r.App, Replica: r.Name, Audience: exchange, Protocol: "workload",
	})
	if err != nil {
		return cloud.Sealed{}, time.Time{}, err
	}
	return minted.Token, minted.Expires, nil
}

// trustedIssuers are those whose tokens may speak for identities, once somebody says so. This world's own
// are that of workloads, and the authority, for identities that speak for applications. Their keys are
// in memory.
func (p *Platform) trustedIssuers() *trusted.Issuers {
	own := []string{
		cloud.Azure.WorkloadIssuer(p.deed.Tenant), cloud.Azure.IssuerTwo(p.deed.Tenant),
	}
	key := func(kid string) (*rsa.PublicKey, bool) {
		k, ok := p.issuer.Key(kid)
		return k.Public, ok && k.ValidAt(p.now(), token.Skew)
	}
	return &trusted.Issuers{
		Dial: p.edge.Dial, Serves: cloud.Azure.Serves, Age: p.clock.Age, Now: p.config.Now, Log: p.log,
		Own: func(issuer string) (func(kid string) (*rsa.PublicKey, bool), bool) {
			return key, slices.Contains(own, issuer)
		},
	}
}
