package main

import (
	"fmt"

	"github.com/Azure/azure-sdk-for-go/sdk/azcore"
	"github.com/Azure/azure-sdk-for-go/sdk/resourcemanager/resources/armresources/v3"
)

func groups(credential azcore.TokenCredential) error {
	client, err := armresources.NewResourceGroupsClient(subscription, credential, nil)
	if err != nil {
		return err
	}
	step("create five groups", func() (string, error) {
		for n := range 5 {
			if _, err := client.CreateOrUpdate(ctx, fmt.Sprint("page-", n), armresources.ResourceGroup{Location: to("local")}, nil); err != nil {
				return "", err
			}
		}
		return "done", nil
	})
	step("list groups by pages of two", func() (string, error) {
		all, pages, err := collect(client.NewListPager(&armresources.ResourceGroupsClientListOptions{Top: to[int32](2)}),
			func(p armresources.ResourceGroupsClientListResponse) []*armresources.ResourceGroup { return p.Value })
		return fmt.Sprintf("%d groups on %d pages", len(all), pages), err
	})
	step("patch a group", func() (string, error) {
		r, err := client.Update(ctx, "page-0", armresources.ResourceGroupPatchable{Tags: map[string]*string{"team": to("blue")}}, nil)
		if err != nil {
			return "", err
		}
		return "team " + *r.Tags["team"], nil
	})
	step("see whether a group exists", func() (string, error) {
		there, err := client.CheckExistence(ctx, "page-0", nil)
		return fmt.Sprint(there.Success), err
	})
	step("delete the groups", func() (string, error) {
		for n := range 5 {
			if _, err := finish(client.BeginDelete(ctx, fmt.Sprint("page-", n), nil)); err != nil {
				return "", err
			}
		}
		return "done", nil
	})
	step("see whether a deleted group exists", func() (string, error) {
		there, err := client.CheckExistence(ctx, "page-0", nil)
		return fmt.Sprint(there.Success), err
	})
	step("read a deleted group", func() (string, error) { return done(client.Get(ctx, "page-0", nil)) })
	return nil
}
