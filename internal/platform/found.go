package platform

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/store"
)

// ownerRole is Azure's built-in Owner (wire-facts: "Role GUIDs").
const ownerRole = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

// secretLife is how long the owner's credential lasts; it is made anew when it is lost.
const secretLife = 10 * 365 * 24 * time.Hour

// deed is what the store knows of the world as a whole.
type deed struct {
	Tenant       cloud.TenantID    `json:"tenant"`
	Subscription string            `json:"subscription"`
	Owner        cloud.PrincipalID `json:"owner"`
	// Person is the owner as a person who signs in; empty in worlds that were founded without.
	Person cloud.PrincipalID `json:"person,omitempty"`
	// Founded is when the world was made; zero in older ones. Tokens say it.
	Founded time.Time `json:"founded,omitzero"`
}

// readDeed gives the world that the store holds, or draws one that has no owner yet.
func readDeed(ctx context.Context, s store.Store) (deed, error) {
	entry, err := s.Get(ctx, cloud.KeysWorld)
	if err != nil {
		return deed{}, err
	}
	var d deed
	if entry.Revision > 0 {
		return d, json.Unmarshal(entry.Value, &d)
	}
	tenant, err := cloud.NewID(rand.Reader)
	if err != nil {
		return d, err
	}
	subscription, err := cloud.NewID(rand.Reader)
	return deed{Tenant: cloud.TenantID(tenant), Subscription: subscription, Founded: time.Now().UTC().Truncate(time.Second)}, err
}

// found makes the world on the first start: subscription, owner and the owner's role, in one
// transaction. On later starts it takes up the owner's credential, and makes a new one when the
// file that held it is gone: whoever may write the state folder owns the world.
func (p *Platform) found(ctx context.Context) error {
	d := p.deed
	if d.Owner != "" {
		return p.resume(ctx, d)
	}
	registered, err := p.directory.Register("owner")
	if err != nil {
		return err
	}
	who, enroll, err := p.directory.EnrollFor(&registered)
	if err != nil {
		return err
	}
	register := store.Change{Key: directory.ApplicationKey(registered.ID)}
	if register.Value, err = json.Marshal(registered); err != nil {
		return err
	}
	password, err := p.directory.AddSecret(&who, p.now().Add(secretLife))
	if err != nil {
		return err
	}
	if enroll.Value, err = json.Marshal(who); err != nil {
		return err
	}
	d.Owner = who.ID
	changes, err := p.foundation(d)
	if err != nil {
		return err
	}
	// The credential is on disk before the world exists: a start that is cut short here begins anew.
	if err := p.keepOwner(d, who, password); err != nil {
		return err
	}
	revision, err := p.store.Commit(ctx, append(changes, register, enroll)...)
	if err != nil {
		return err
	}
	return p.await(ctx, revision)
}

// foundation gives the documents that a world begins with.
func (p *Platform) foundation(d deed) ([]store.Change, error) {
	subscription := cloud.MustID("/subscriptions/" + d.Subscription)
	made := p.authorship(d.Owner)
	changes, err := ownership(d.Owner, "ServicePrincipal", made)
	if err != nil {
		return nil, err
	}
	for key, document := range map[string]any{
		cloud.KeysWorld: d,
		cloud.DocumentKey(subscription): arm.Document{ID: subscription, Name: d.Subscription, Type: "Microsoft.Resources/subscriptions",
			Properties: json.RawMessage(`{"displayName":"Lanyard","state":"Enabled"}`), SystemData: made},
	} {
		value, err := json.Marshal(document)
		if err != nil {
			return nil, err
		}
		changes = append(changes, store.Change{Key: key, Value: value})
	}
	return changes, nil
}

// ownership gives the role Owner in the whole tenant to a principal of a type, with the claims that
// every role assignment has.
func ownership(who cloud.PrincipalID, principalType string, made *arm.Authorship) ([]store.Change, error) {
	name, err := cloud.NewID(rand.Reader)
	if err != nil {
		return nil, err
	}
	id := cloud.MustID("/providers/Microsoft.Authorization/roleAssignments/" + name)
	properties, err := json.Marshal(map[string]string{
		"roleDefinitionId": "/providers/Microsoft.Authorization/roleDefinitions/" + ownerRole,
		"principalId":      string(who), "principalType": principalType, "scope": "/",
		"createdOn": made.CreatedAt, "createdBy": made.CreatedBy, "updatedOn": made.CreatedAt, "updatedBy": made.CreatedBy,
	})
	if err != nil {
		return nil, err
	}
	value, err := json.Marshal(arm.Document{ID: id, Name: name, Type: "Microsoft.Authorization/roleAssignments", SystemData: made, Properties: properties})
	if err != nil {
		return nil, err
	}
	return []store.Change{
		{Key: cloud.DocumentKey(id), Value: value},
		{Key: cloud.AssignmentKey(name), Value: []byte(id.String())},
		{Key: cloud.GrantKey(cloud.Root, who, ownerRole), Value: []byte(id.String())},
	}, nil
}

// resume takes up a world that exists.
func (p *Platform) resume(ctx context.Context, d deed) error {
	who, ok := p.directory.Principal(d.Owner)
	if !ok {
		return errors.New("the owner is not in the directory")
	}
	path := filepath.Join(p.config.State, OwnerFile)
	b, err := os.ReadFile(path)
	if err == nil && json.Unmarshal(b, &p.owner) == nil && p.owner.Principal == d.Owner &&
		p.directory.CheckSecret(who, p.owner.Secret) == nil {
		return nil
	}
	p.log.Warn("the owner's credential is gone or void; a new one replaces it")
	var password cloud.Sealed
	_, err = store.Update(ctx, p.store, cloud.PrincipalKey(d.Owner), func(x *cloud.Principal) error {
		x.Credentials = nil
		password, err = p.directory.AddSecret(x, p.now().Add(secretLife))
		return err
	})
	if err != nil {
		return err
	}
	return p.keepOwner(d, who, password)
}

func (p *Platform) keepOwner(d deed, who cloud.Principal, password cloud.Sealed) error {
	p.owner = owner{
		Tenant: d.Tenant, Subscription: d.Subscription, Client: who.Client, Principal: who.ID, Secret: password.Open(),
		SignIn: p.owner.SignIn, Password: p.owner.Password,
	}
	return writePrivate(filepath.Join(p.config.State, OwnerFile), p.owner)
}

// await returns when every view has seen a revision.
func (p *Platform) await(ctx context.Context, revision int64) error {
	return errors.Join(p.directory.Await(ctx, revision), p.arm.Await(ctx, revision))
}

func (p *Platform) now() time.Time {
	if p.config.Now != nil {
		return p.config.Now()
	}
	return time.Now()
}
