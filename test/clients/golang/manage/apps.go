package main

import (
	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/appcontainers/armappcontainers/v3"
)

func apps(credential azcore.TokenCredential) error {
	environments, err := armappcontainers.NewManagedEnvironmentsClient(subscription, credential, nil)
	if err != nil {
		return err
	}
	client, err := armappcontainers.NewContainerAppsClient(subscription, credential, nil)
	if err != nil {
		return err
	}
	var environment string
	step("create an environment", func() (string, error) {
		r, err := finish(environments.BeginCreateOrUpdate(ctx, group, "made", armappcontainers.ManagedEnvironment{
			Location: to("local"), Properties: &armappcontainers.ManagedEnvironmentProperties{},
		}, nil))
		if err != nil {
			return "", err
		}
		environment = *r.ID
		return string(*r.Properties.ProvisioningState), nil
	})
	step("create an app", func() (string, error) {
		r, err := finish(client.BeginCreateOrUpdate(ctx, group, "made", app(environment), nil))
		if err != nil {
			return "", err
		}
		return string(*r.Properties.ProvisioningState), nil
	})
	step("read the app", func() (string, error) {
		r, err := client.Get(ctx, group, "made", nil)
		if err != nil {
			return "", err
		}
		return string(*r.Identity.Type), nil
	})
	step("patch the app", func() (string, error) {
		r, err := finish(client.BeginUpdate(ctx, group, "made", armappcontainers.ContainerApp{
			Location: to("local"), Tags: map[string]*string{"team": to("blue")},
		}, nil))
		if err != nil {
			return "", err
		}
		return "team " + *r.Tags["team"], nil
	})
	step("list the group's apps", func() (string, error) {
		return names(client.NewListByResourceGroupPager(group, nil), func(p armappcontainers.ContainerAppsClientListByResourceGroupResponse) (names []string) {
			for _, a := range p.Value {
				names = append(names, *a.Name)
			}
			return names
		})
	})
	step("delete the app", func() (string, error) { return done(finish(client.BeginDelete(ctx, group, "made", nil))) })
	step("read the deleted app", func() (string, error) { return done(client.Get(ctx, group, "made", nil)) })
	step("delete the environment", func() (string, error) {
		return done(finish(environments.BeginDelete(ctx, group, "made", nil)))
	})
	return nil
}

// app has one container and, since it runs nothing, no replica.
func app(environment string) armappcontainers.ContainerApp {
	return armappcontainers.ContainerApp{
		Location: to("local"),
		Identity: &armappcontainers.ManagedServiceIdentity{Type: to(armappcontainers.ManagedServiceIdentityTypeSystemAssigned)},
		Properties: &armappcontainers.ContainerAppProperties{
			EnvironmentID: &environment,
			Template: &armappcontainers.Template{
				Containers: []*armappcontainers.Container{{Name: to("made"), Image: to("local/made"), Command: []*string{to("true")}}},
				Scale:      &armappcontainers.Scale{MinReplicas: to[int32](0)},
			},
		},
	}
}
