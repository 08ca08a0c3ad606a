package managedidentity

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
	"lanyard/internal/provider"
	"lanyard/internal/store"
)

// federated is a federated credential: whoever shows a token of its issuer for its subject and its
// audience gets tokens of the identity it lies in (TK-14).
type federated struct {
	arm.Plain
	Deps
}

// refused is how Azure's resource provider refuses (wire-facts: "Federated identity credential rules").
func refused(sentence string) *fault.Error {
	return fault.New(fault.Invalid, "BadRequest", "%s", sentence)
}

func federatedName(name string) error {
	if sentence := directory.FederatedNameFault(name); sentence != "" {
		return refused(sentence)
	}
	return nil
}

// Shape holds issuer, subject and audience against the rules.
func (federated) Shape(_ context.Context, c *arm.Change) error {
	m, err := provider.Read("properties", c.After.Properties)
	if err != nil {
		return err
	}
	if err := m.Close("properties", "issuer", "subject", "audiences"); err != nil {
		return err
	}
	var t trust
	for name, into := range map[string]any{"issuer": &t.Issuer, "subject": &t.Subject, "audiences": &t.Audiences} {
		if err := m.Decode("properties", name, into); err != nil {
			return err
		}
	}
	if sentence := directory.FederatedFault(cloud.FederatedCredential{Issuer: t.Issuer, Subject: t.Subject}, t.Audiences); sentence != "" {
		return refused(sentence)
	}
	raw, err := json.Marshal(t)
	if err != nil {
		return fmt.Errorf("write %s: %w", c.ID, err)
	}
	c.After.Properties = raw
	return nil
}

// gate gives the key that every write of a federated credential under one identity writes, so that of
// two at once only one is made.
func gate(identity cloud.ID) string { return cloud.KeysGate + "federated" + identity.Key() }

// Place holds a credential against the others of its identity. Azure takes no two writes under one
// identity at once: the one that comes second is refused, not tried again (same heading).
func (f federated) Place(ctx context.Context, c *arm.Change) error {
	of := c.ID.Parent()
	if c.Tries > 0 {
		return fault.New(fault.Conflict, "ConcurrentFederatedIdentityCredentialsWritesForSingleManagedIdentity",
			"Too many Federated Identity Credentials are written concurrently for the managed identity '%s'. Concurrent Federated Identity Credentials writes under the same managed identity are not supported.", of)
	}
	// The gate is read before what it guards: whatever comes after moves it.
	was, err := f.Store.Get(ctx, gate(of))
	if err != nil {
		return fmt.Errorf("read the gate of %s: %w", of, err)
	}
	others, err := f.beside(ctx, c.ID)
	if err != nil {
		return err
	}
	var t trust
	if err := json.Unmarshal(c.After.Properties, &t); err != nil {
		return fmt.Errorf("read %s: %w", c.ID, err)
	}
	switch have := len(others); {
	case directory.FederatedClash(cloud.FederatedCredential{Name: c.ID.Name(), Issuer: t.Issuer, Subject: t.Subject}, others):
		return refused("Issuer and subject combination already exists for this Managed Identity.")
	case c.Before == nil && directory.FederatedFull(have, f.FederatedLimit):
		return refused(fmt.Sprintf("The managed identity '%s' has %d federated identity credentials, and may have no more.", of, have)).
			Try("lanyard up --federated-credentials-limit %d", 2*have)
	}
	count, _ := strconv.Atoi(string(was.Value)) // no gate yet counts as none
	c.Writes = append(c.Writes, store.Change{Key: gate(of), Value: []byte(strconv.Itoa(count + 1)), If: was.Revision})
	return nil
}

// beside gives the other credentials of an identity, as the store has them at this moment.
func (f federated) beside(ctx context.Context, id cloud.ID) ([]cloud.FederatedCredential, error) {
	own := cloud.DocumentKey(id)
	entries, _, err := f.Store.List(ctx, own[:strings.LastIndexByte(own, '/')+1])
	if err != nil {
		return nil, fmt.Errorf("list beside %s: %w", id, err)
	}
	entries = slices.DeleteFunc(entries, func(e store.Entry) bool { return e.Key == own })
	all := make([]cloud.FederatedCredential, 0, len(entries))
	for _, e := range entries {
		var d struct {
			Name       string `json:"name"`
			Properties trust  `json:"properties"`
		}
		if err := json.Unmarshal(e.Value, &d); err != nil {
			return nil, fmt.Errorf("read %s: %w", e.Key, err)
		}
		all = append(all, cloud.FederatedCredential{Name: d.Name, Issuer: d.Properties.Issuer, Subject: d.Properties.Subject})
	}
	return all, nil
}
