package main

import (
	"context"
	"encoding/json"
	"fmt"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"lanyard/internal/cloud"
	"lanyard/internal/platform"
)

const subscriptionsVersion = "2022-12-01"

// account is a subscription as az shows one.
type account struct {
	EnvironmentName string         `json:"environmentName"`
	HomeTenantID    cloud.TenantID `json:"homeTenantId"`
	ID              string         `json:"id"`
	IsDefault       bool           `json:"isDefault"`
	Name            string         `json:"name"`
	State           string         `json:"state"`
	TenantID        cloud.TenantID `json:"tenantId"`
	User            accountUser    `json:"user"`
}

type accountUser struct {
	Name string `json:"name"`
	Type string `json:"type"`
	// Person is the owner as a person, who signs in at a page.
	Person person `json:"person"`
}

// person says how the owner signs in: the password itself is not printed.
type person struct {
	SignIn         string `json:"signIn"`
	Page           string `json:"page"`
	CredentialFile string `json:"credentialFile"`
}

func accountCommand(a *app) *cobra.Command {
	show := a.verb("show", "Show the world's subscription, and where its owner's credential lies", "lanyard account show --query tenantId -o tsv",
		func(c *client, cmd *cobra.Command) (any, error) {
			all, err := c.accounts(cmd.Context(), a.state)
			if err != nil {
				return nil, err
			}
			return all[0], nil
		})
	list := a.verb("list", "List subscriptions", "lanyard account list --output table", func(c *client, cmd *cobra.Command) (any, error) {
		return c.accounts(cmd.Context(), a.state)
	})
	locations := a.verb("list-locations", "List the locations of the subscription", "lanyard account list-locations --query '[].name'",
		func(c *client, cmd *cobra.Command) (any, error) {
			return c.list(cmd.Context(), c.seat.Scope().String()+"/locations", subscriptionsVersion)
		})
	var resource, scope string
	token := a.verb("get-access-token", "Get the owner's token", "lanyard account get-access-token --resource https://vault.azure.net --query accessToken -o tsv",
		func(c *client, cmd *cobra.Command) (any, error) {
			if scope != "" {
				if resource = strings.TrimSuffix(scope, "/.default"); resource == scope {
					return nil, hinted{"--scope ends in /.default", "lanyard account get-access-token --scope https://vault.azure.net/.default"}
				}
			}
			return c.accessToken(cmd.Context(), resource)
		})
	token.Flags().StringVar(&resource, "resource", armResource, "what the token is for")
	token.Flags().StringVar(&scope, "scope", "", "the same as a scope that ends in /.default")
	token.MarkFlagsMutuallyExclusive("resource", "scope")
	cmd := parent("account", "See the subscription and get tokens for it", "lanyard account show")
	cmd.AddCommand(show, list, locations, token)
	return cmd
}

func (c *client) accounts(ctx context.Context, state string) ([]account, error) {
	docs, err := c.list(ctx, "/subscriptions", subscriptionsVersion)
	if err != nil {
		return nil, err
	}
	all := []account{}
	for _, doc := range docs {
		var s struct {
			ID    string         `json:"subscriptionId"`
			Name  string         `json:"displayName"`
			State string         `json:"state"`
			In    cloud.TenantID `json:"tenantId"`
		}
		if err := json.Unmarshal(doc, &s); err != nil {
			return nil, fmt.Errorf("read subscription: %w", err)
		}
		all = append(all, account{
			EnvironmentName: cloud.Azure.Name, HomeTenantID: s.In, ID: s.ID, IsDefault: s.ID == c.seat.Subscription, Name: s.Name, State: s.State, TenantID: s.In,
			User: accountUser{Name: string(c.seat.ClientID), Type: "servicePrincipal", Person: person{
				SignIn: c.seat.SignIn, Page: c.seat.SignInPage(), CredentialFile: filepath.Join(state, platform.OwnerFile),
			}},
		})
	}
	if len(all) == 0 {
		return nil, hinted{"the owner may read no subscription", "lanyard role assignment list --all --include-inherited"}
	}
	return all, nil
}

// accessToken gives a token in az's form.
func (c *client) accessToken(ctx context.Context, resource string) (any, error) {
	token, err := c.token(ctx, resource)
	if err != nil {
		return nil, err
	}
	ends, err := expiry(token)
	if err != nil {
		return nil, err
	}
	return map[string]any{
		"accessToken": token, "expiresOn": ends.Local().Format("2006-01-02 15:04:05.000000"), "expires_on": ends.Unix(),
		"subscription": c.seat.Subscription, "tenant": c.seat.Tenant, "tokenType": "Bearer",
	}, nil
}
