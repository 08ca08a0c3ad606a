package main

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
)

func identities(credential azcore.TokenCredential) error {
	client, err := armmsi.NewUserAssignedIdentitiesClient(subscription, credential, nil)
	if err != nil {
		return err
	}
	var made armmsi.Identity
	step("create an identity", func() (string, error) {
		r, err := client.CreateOrUpdate(ctx, group, "made", armmsi.Identity{Location: to("local")}, nil)
		if err != nil {
			return "", err
		}
		made = r.Identity
		return *made.Name + " in " + *made.Location, nil
	})
	step("read the identity", func() (string, error) {
		r, err := client.Get(ctx, group, "made", nil)
		if err != nil || made.Properties == nil || *r.Properties.PrincipalID != *made.Properties.PrincipalID {
			return "another principal", err
		}
		return "the same principal", nil
	})
	step("patch the identity", func() (string, error) {
		r, err := client.Update(ctx, group, "made", armmsi.IdentityUpdate{Tags: map[string]*string{"team": to("blue")}}, nil)
		if err != nil {
			return "", err
		}
		return "team " + *r.Tags["team"], nil
	})
	step("list the group's identities", func() (string, error) {
		return names(client.NewListByResourceGroupPager(group, nil), func(p armmsi.UserAssignedIdentitiesClientListByResourceGroupResponse) []string {
			return identityNames(p.Value)
		})
	})
	step("list the subscription's identities", func() (string, error) {
		return names(client.NewListBySubscriptionPager(nil), func(p armmsi.UserAssignedIdentitiesClientListBySubscriptionResponse) []string {
			return identityNames(p.Value)
		})
	})
	step("delete the identity", func() (string, error) { return done(client.Delete(ctx, group, "made", nil)) })
	step("read the deleted identity", func() (string, error) { return done(client.Get(ctx, group, "made", nil)) })
	return nil
}

func identityNames(all []*armmsi.Identity) (names []string) {
	for _, i := range all {
		names = append(names, *i.Name)
	}
	return names
}
