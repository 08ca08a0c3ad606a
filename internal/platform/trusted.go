package platform

import (
	"crypto/rsa"
	"slices"

	"lanyard/internal/cloud"
	"lanyard/internal/entra/trusted"
	"lanyard/internal/token"
)

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
