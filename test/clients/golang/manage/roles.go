package main

import (
	"errors"
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/authorization/armauthorization/v2"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/msi/armmsi"
)

// Names of what the program makes, and a principal that does not exist.
const (
	grantName  = "0f0f0f0f-0000-4000-8000-000000000001"
	otherName  = "0f0f0f0f-0000-4000-8000-000000000002"
	nobodyName = "0f0f0f0f-0000-4000-8000-000000000003"
	roleName   = "0f0f0f0f-0000-4000-8000-000000000004"
	nobody     = "11111111-2222-4333-8444-555555555555"
)

func roles(credential azcore.TokenCredential) error {
	definitions, err := armauthorization.NewRoleDefinitionsClient(credential, nil)
	if err != nil {
		return err
	}
	resources, err := armmsi.NewUserAssignedIdentitiesClient(subscription, credential, nil)
	if err != nil {
		return err
	}
	var role *armauthorization.RoleDefinition
	step("find a role by its name", func() (string, error) {
		found, err := findRoles(definitions, vaultID, "roleName eq 'Key Vault Secrets User'")
		if err != nil || len(found) != 1 {
			return fmt.Sprint(len(found), " roles"), err
		}
		role = found[0]
		return *role.Name, nil
	})
	var principal string
	step("create who is to be granted it", func() (string, error) {
		r, err := resources.CreateOrUpdate(ctx, group, "granted", armmsi.Identity{Location: to("local")}, nil)
		if err != nil {
			return "", err
		}
		principal = *r.Properties.PrincipalID
		return "done", nil
	})
	if role == nil || principal == "" {
		return errors.New("there is no role, or nobody to grant it to")
	}
	if err := grants(credential, *role.ID, principal); err != nil {
		return err
	}
	step("delete who was granted it", func() (string, error) { return done(resources.Delete(ctx, group, "granted", nil)) })
	ownRole(definitions)
	return nil
}

func grants(credential azcore.TokenCredential, role, principal string) error {
	client, err := armauthorization.NewRoleAssignmentsClient(subscription, credential, nil)
	if err != nil {
		return err
	}
	grant := func(name, to string) (armauthorization.RoleAssignmentsClientCreateResponse, error) {
		return client.Create(ctx, vaultID, name, armauthorization.RoleAssignmentCreateParameters{
			Properties: &armauthorization.RoleAssignmentProperties{RoleDefinitionID: &role, PrincipalID: &to},
		}, nil)
	}
	step("grant it", func() (string, error) {
		r, err := grant(grantName, principal)
		if err != nil {
			return "", err
		}
		return string(*r.Properties.PrincipalType), nil
	})
	step("grant it twice", func() (string, error) { return done(grant(otherName, principal)) })
	step("grant it to nobody", func() (string, error) { return done(grant(nobodyName, nobody)) })
	step("read the grant", func() (string, error) {
		r, err := client.Get(ctx, vaultID, grantName, nil)
		if err != nil || *r.Properties.PrincipalID != principal {
			return "another principal", err
		}
		return "the same principal", nil
	})
	step("list the principal's grants", func() (string, error) {
		return names(client.NewListForSubscriptionPager(&armauthorization.RoleAssignmentsClientListForSubscriptionOptions{Filter: to("principalId eq '" + principal + "'")}),
			func(p armauthorization.RoleAssignmentsClientListForSubscriptionResponse) (names []string) {
				for _, a := range p.Value {
					names = append(names, *a.Name)
				}
				return names
			})
	})
	step("take the grant away", func() (string, error) { return done(client.Delete(ctx, vaultID, grantName, nil)) })
	step("read the grant that is gone", func() (string, error) { return done(client.Get(ctx, vaultID, grantName, nil)) })
	return nil
}

// ownRole makes, lists and deletes a custom role.
func ownRole(client *armauthorization.RoleDefinitionsClient) {
	scope := "/subscriptions/" + subscription
	step("make a role", func() (string, error) {
		r, err := client.CreateOrUpdate(ctx, scope, roleName, armauthorization.RoleDefinition{Properties: &armauthorization.RoleDefinitionProperties{
			RoleName: to("Group Watcher"), RoleType: to("CustomRole"), AssignableScopes: []*string{&scope},
			Permissions: []*armauthorization.Permission{{Actions: []*string{to("Microsoft.Resources/subscriptions/resourceGroups/read")}}},
		}}, nil)
		if err != nil {
			return "", err
		}
		return *r.Properties.RoleType, nil
	})
	step("list the roles made", func() (string, error) {
		found, err := findRoles(client, scope, "type eq 'CustomRole'")
		if err != nil || len(found) != 1 {
			return fmt.Sprint(len(found), " roles"), err
		}
		return *found[0].Properties.RoleName, nil
	})
	step("delete the role", func() (string, error) { return done(client.Delete(ctx, scope, roleName, nil)) })
	step("read the deleted role", func() (string, error) { return done(client.Get(ctx, scope, roleName, nil)) })
}

func findRoles(client *armauthorization.RoleDefinitionsClient, scope, filter string) ([]*armauthorization.RoleDefinition, error) {
	all, _, err := collect(client.NewListPager(scope, &armauthorization.RoleDefinitionsClientListOptions{Filter: &filter}),
		func(p armauthorization.RoleDefinitionsClientListResponse) []*armauthorization.RoleDefinition {
			return p.Value
		})
	return all, err
}
