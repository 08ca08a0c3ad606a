package platform

import (
	"context"
	"encoding/json"
	"path/filepath"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// ownerSignIn is the name by which the owner of a world signs in as a person.
var ownerSignIn = "owner@" + cloud.Azure.Domain

// invite makes sure that the owner can also sign in as a person, in worlds founded before there were
// people too, and that the credential file holds the password. A person whom somebody has removed
// from the directory is not made again.
func (p *Platform) invite(ctx context.Context) error {
	entry, err := p.store.Get(ctx, cloud.KeysWorld)
	if err != nil {
		return err
	}
	var d deed
	if err := json.Unmarshal(entry.Value, &d); err != nil {
		return err
	}
	if d.Person == "" {
		return p.enrollOwner(ctx, d, entry.Revision)
	}
	who, there := p.directory.Principal(d.Person)
	if !there || p.owner.SignIn == who.SignIn && p.directory.CheckSecret(who, p.owner.Password) == nil {
		return nil
	}
	var password cloud.Sealed
	_, err = store.Update(ctx, p.store, cloud.PrincipalKey(who.ID), func(x *cloud.Principal) error {
		x.Credentials = nil
		x.Revoke(p.now()) // who had the lost password may have signed in by it
		password, err = p.directory.AddSecret(x, p.now().Add(secretLife))
		return err
	})
	if err != nil {
		return err
	}
	return p.keepPassword(who.SignIn, password)
}

// enrollOwner makes the person, with the role Owner over everything, in one transaction with the deed
// that says so. The password is on disk before.
func (p *Platform) enrollOwner(ctx context.Context, d deed, revision int64) error {
	who, enroll, err := p.directory.EnrollPerson("Owner", ownerSignIn)
	if err != nil {
		return err
	}
	password, err := p.directory.AddSecret(&who, p.now().Add(secretLife))
	if err != nil {
		return err
	}
	if enroll.Value, err = json.Marshal(who); err != nil {
		return err
	}
	changes, err := ownership(who.ID, "User", p.authorship(d.Owner))
	if err != nil {
		return err
	}
	d.Person = who.ID
	world, err := json.Marshal(d)
	if err != nil {
		return err
	}
	if err := p.keepPassword(who.SignIn, password); err != nil {
		return err
	}
	at, err := p.store.Commit(ctx, append(changes, enroll, store.Change{Key: cloud.KeysWorld, Value: world, If: revision})...)
	if err != nil {
		return err
	}
	return p.await(ctx, at)
}

func (p *Platform) keepPassword(signIn string, password cloud.Sealed) error {
	p.owner.SignIn, p.owner.Password = signIn, password.Open()
	return writePrivate(filepath.Join(p.config.State, OwnerFile), p.owner)
}

// authorship is that of what a world begins with: the owner's own.
func (p *Platform) authorship(of cloud.PrincipalID) *arm.Authorship {
	stamp := p.now().UTC().Format(time.RFC3339Nano)
	return &arm.Authorship{CreatedBy: string(of), CreatedByType: "Application", CreatedAt: stamp,
		LastModifiedBy: string(of), LastModifiedByType: "Application", LastModifiedAt: stamp}
}
