package platform

import (
	"context"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/host"
	"lanyard/internal/issuer"
)

// exchange is the audience of tokens that are exchanged for access tokens (wire-facts: "Federated
// identity credential rules").
const exchange = "api://AzureADTokenExchange"

// workloadToken gives a replica's own token, which its SDK shows for a token of an identity that trusts
// it, and when it ends (wire-facts: "Workload identity (federated)").
func (p *Platform) workloadToken(ctx context.Context, r *host.Replica) (raw cloud.Sealed, ends time.Time, err error) {
	minted, err := p.issuer.Vouch(ctx, issuer.Workload{
		Issuer: cloud.Azure.WorkloadIssuer(p.deed.Tenant), Audience: exchange,
		Group: r.App.Group(), Account: r.App.Name(), Replica: r.Name,
	})
	return minted.Token, minted.Expires, err
}
