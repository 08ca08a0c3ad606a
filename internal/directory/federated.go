package directory

import (
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/store"
)

// federatedType is the type of document that says whose tokens may speak for an identity.
const federatedType = "Microsoft.ManagedIdentity/userAssignedIdentities/federatedIdentityCredentials"

// federatedKey tells keys that may be of that type from all others, cheaply.
const federatedKey = "/federatedidentitycredentials/"

// trusts are the federated credentials of user-assigned identities, by the identity's key and then by
// their own. Those of applications lie in their registrations.
type trusts struct {
	byIdentity map[string]map[string]cloud.FederatedCredential
}

func newTrusts() *trusts {
	return &trusts{byIdentity: map[string]map[string]cloud.FederatedCredential{}}
}

// apply takes in changes. A document that cannot be read trusts nobody.
func (t *trusts) apply(events []store.Event, log *slog.Logger) {
	for _, e := range events {
		if !strings.Contains(e.Key, federatedKey) {
			continue
		}
		id, err := cloud.ParseID(strings.TrimPrefix(e.Key, cloud.KeysARM))
		if err != nil || !id.Is(federatedType) {
			continue
		}
		of := id.Parent().Key()
		delete(t.byIdentity[of], e.Key)
		if e.Value != nil {
			t.add(of, e, log)
		}
		if len(t.byIdentity[of]) == 0 {
			delete(t.byIdentity, of)
		}
	}
}

func (t *trusts) add(of string, e store.Event, log *slog.Logger) {
	known, err := readFederated(e)
	if err != nil {
		log.Error("federated credential cannot be read", httpkit.KeyDocument, e.Key, httpkit.KeyError, err)
		return
	}
	if t.byIdentity[of] == nil {
		t.byIdentity[of] = map[string]cloud.FederatedCredential{}
	}
	t.byIdentity[of][e.Key] = known
}

func readFederated(e store.Event) (cloud.FederatedCredential, error) {
	var d struct {
		ID         cloud.ID `json:"id"`
		Properties struct {
			Issuer    string   `json:"issuer"`
			Subject   string   `json:"subject"`
			Audiences []string `json:"audiences"`
		} `json:"properties"`
	}
	if err := json.Unmarshal(e.Value, &d); err != nil {
		return cloud.FederatedCredential{}, fmt.Errorf("decode federated credential: %w", err)
	}
	p := d.Properties
	if cloud.DocumentKey(d.ID) != e.Key || p.Issuer == "" || p.Subject == "" || len(p.Audiences) != 1 {
		return cloud.FederatedCredential{}, errors.New("decode federated credential: it lacks issuer, subject or its one audience, or is another's")
	}
	return cloud.FederatedCredential{Name: d.ID.Name(), Issuer: p.Issuer, Subject: p.Subject, Audience: p.Audiences[0]}, nil
}

// Federated gives the credentials by which tokens of other issuers speak for a principal, by name:
// those of a user-assigned identity, or of an application's registration. Nobody else has any.
func (d *Directory) Federated(of cloud.PrincipalID) []cloud.FederatedCredential {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	who := d.people.byID[lowered(of)]
	var all []cloud.FederatedCredential
	switch who.Kind {
	case cloud.UserAssigned:
		all = slices.Collect(maps.Values(d.trusts.byIdentity[who.Resource.Key()]))
	case cloud.Application:
		a, _ := d.people.applicationOf(who.Client)
		all = slices.Clone(a.Federated)
	}
	slices.SortFunc(all, func(a, b cloud.FederatedCredential) int { return strings.Compare(a.Name, b.Name) })
	return all
}
