package issuer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/token"
)

// workloadLife is how long a workload's own token lives, as in AKS (wire-facts: "Workload identity
// (federated)").
const workloadLife = time.Hour

// Workload is what runs, as its own token names it.
type Workload struct {
	Issuer   string // iss: never that of access tokens, so that no guard takes one for the other
	Audience string // aud
	Group    string // the resource group, which stands for the namespace
	Account  string // the app, which stands for the service account
	Replica  string
}

// Subject gives a workload's sub, in the form of a Kubernetes service account's.
func (w Workload) Subject() string { return "system:serviceaccount:" + w.Group + ":" + w.Account }

// Vouch signs a workload's own token.
func (i *Issuer) Vouch(ctx context.Context, w Workload) (Minted, error) {
	i.prepare()
	if err := ctx.Err(); err != nil {
		return Minted{}, err
	}
	if w.Issuer == "" || w.Issuer == i.URL || w.Issuer == i.URLTwo || w.Audience == "" || w.Group == "" || w.Account == "" {
		return Minted{}, errors.New("vouch for a workload: its token would say too little, or too much")
	}
	now := i.Now()
	key, err := i.signing(now)
	if err != nil {
		return Minted{}, err
	}
	id, err := cloud.NewID(i.Rand)
	if err != nil {
		return Minted{}, fmt.Errorf("vouch for a workload: %w", err)
	}
	claims := token.WorkloadClaims{
		Issuer: w.Issuer, Subject: w.Subject(), Audience: []string{w.Audience}, ID: id,
		IssuedAt: now.Unix(), NotBefore: now.Unix(), Expires: now.Add(workloadLife).Unix(),
		Place: token.WorkloadsPlace{Namespace: w.Group, Pod: token.Named{Name: w.Replica}, Account: token.Named{Name: w.Account}},
	}
	if time.Unix(claims.Expires, 0).After(key.NotAfter) {
		return Minted{}, errors.New("vouch for a workload: the token would outlive its key")
	}
	raw, err := token.SignWorkload(key, claims)
	if err != nil {
		return Minted{}, fmt.Errorf("vouch for a workload: %w", err)
	}
	return Minted{Token: cloud.Seal(raw), ID: id, KeyID: key.ID,
		Issued: time.Unix(claims.IssuedAt, 0), Expires: time.Unix(claims.Expires, 0)}, nil
}
