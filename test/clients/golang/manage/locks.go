package main

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armlocks"
)

func locks(credential azcore.TokenCredential) error {
	client, err := armlocks.NewManagementLocksClient(subscription, credential, nil)
	if err != nil {
		return err
	}
	resources, err := armmsi.NewUserAssignedIdentitiesClient(subscription, credential, nil)
	if err != nil {
		return err
	}
	step("create what is to be kept", func() (string, error) {
		return done(resources.CreateOrUpdate(ctx, group, "kept", armmsi.Identity{Location: to("local")}, nil))
	})
	// The client's calls at a resource leave an empty segment in the path where there is no parent.
	const namespace, parent, kind, name = "Microsoft.ManagedIdentity", "", "userAssignedIdentities", "kept"
	step("lock it", func() (string, error) {
		r, err := client.CreateOrUpdateAtResourceLevel(ctx, group, namespace, parent, kind, name, "keep", armlocks.ManagementLockObject{
			Properties: &armlocks.ManagementLockProperties{Level: to(armlocks.LockLevelCanNotDelete), Notes: to("keep this")},
		}, nil)
		if err != nil {
			return "", err
		}
		return string(*r.Properties.Level), nil
	})
	step("list its locks", func() (string, error) {
		return names(client.NewListAtResourceLevelPager(group, namespace, parent, kind, name, nil), func(p armlocks.ManagementLocksClientListAtResourceLevelResponse) (names []string) {
			for _, l := range p.Value {
				names = append(names, *l.Name)
			}
			return names
		})
	})
	step("delete what is locked", func() (string, error) { return done(resources.Delete(ctx, group, "kept", nil)) })
	step("unlock it", func() (string, error) {
		return done(client.DeleteAtResourceLevel(ctx, group, namespace, parent, kind, name, "keep", nil))
	})
	step("delete what was locked", func() (string, error) { return done(resources.Delete(ctx, group, "kept", nil)) })
	return nil
}
