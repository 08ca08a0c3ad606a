package main

import (
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"

	"lanyard/internal/cloud"
)

// trust holds the flags that name a federated credential of an identity and what it says.
type trust struct {
	name, identity, group, issuer, subject string
	audiences                              []string
}

func (t *trust) path(c *client) string {
	at := c.in(t.group, identityType, t.identity) + "/federatedIdentityCredentials"
	if t.name != "" {
		at += "/" + t.name
	}
	return at
}

// federatedCommand manages whose tokens may speak for an identity, in az's words.
func federatedCommand(a *app) *cobra.Command {
	var t trust
	const which = " -n github --identity-name billing -g shop"
	create := a.verb("create", "Trust an issuer's tokens for one subject to speak for an identity",
		"lanyard identity federated-credential create"+which+" --issuer https://token.actions.githubusercontent.com --subject repo:shop/shop:ref:refs/heads/main",
		func(c *client, cmd *cobra.Command) (any, error) {
			properties := map[string]any{"issuer": t.issuer, "subject": t.subject, "audiences": t.audiences}
			return flat(c.arm(cmd.Context(), http.MethodPut, t.path(c), identitiesVersion, map[string]any{"properties": properties}))
		})
	update := a.verb("update", "Change whom a federated credential trusts", "lanyard identity federated-credential update"+which+" --subject repo:shop/shop:environment:live",
		func(c *client, cmd *cobra.Command) (any, error) {
			return t.change(c, cmd)
		})
	show := a.verb("show", "Show a federated credential", "lanyard identity federated-credential show"+which, func(c *client, cmd *cobra.Command) (any, error) {
		return flat(c.arm(cmd.Context(), http.MethodGet, t.path(c), identitiesVersion, nil))
	})
	list := a.verb("list", "List the federated credentials of an identity", "lanyard identity federated-credential list --identity-name billing -g shop",
		func(c *client, cmd *cobra.Command) (any, error) {
			return c.flatList(cmd.Context(), t.path(c), identitiesVersion)
		})
	remove := a.verb("delete", "Trust an issuer no longer", "lanyard identity federated-credential delete"+which+" --yes", func(c *client, cmd *cobra.Command) (any, error) {
		if err := a.confirm(cmd, "federated credential "+t.name); err != nil {
			return nil, err
		}
		return c.arm(cmd.Context(), http.MethodDelete, t.path(c), identitiesVersion, nil)
	})
	acceptYes(remove)
	for _, verb := range []*cobra.Command{create, update} {
		verb.Flags().StringVar(&t.issuer, "issuer", "", "URL of the issuer, exactly as its tokens spell it")
		verb.Flags().StringVar(&t.subject, "subject", "", "who its tokens speak of, exactly as they spell it")
		verb.Flags().StringSliceVar(&t.audiences, "audiences", []string{cloud.TokenExchange}, "whom its tokens are for; one")
	}
	for _, verb := range []*cobra.Command{create, update, show, list, remove} {
		verb.Flags().StringVar(&t.identity, "identity-name", "", "name of the identity")
		verb.Flags().StringVarP(&t.group, "resource-group", "g", "", "resource group of the identity")
		must(verb, "identity-name", "resource-group")
		if verb != list {
			verb.Flags().StringVarP(&t.name, "name", "n", "", "name of the federated credential")
			must(verb, "name")
		}
	}
	must(create, "issuer", "subject")
	cmd := parent("federated-credential", "Manage whose tokens may speak for an identity", "lanyard identity federated-credential list --identity-name billing -g shop")
	cmd.AddCommand(create, update, show, list, remove)
	return cmd
}

// change lays the flags that were given over the credential as it is.
func (t *trust) change(c *client, cmd *cobra.Command) (any, error) {
	now, err := c.arm(cmd.Context(), http.MethodGet, t.path(c), identitiesVersion, nil)
	if err != nil {
		return nil, err
	}
	var d struct {
		Properties map[string]any `json:"properties"`
	}
	if err := json.Unmarshal(now, &d); err != nil {
		return nil, fmt.Errorf("read federated credential: %w", err)
	}
	for flag, value := range map[string]any{"issuer": t.issuer, "subject": t.subject, "audiences": t.audiences} {
		if cmd.Flags().Changed(flag) {
			d.Properties[flag] = value
		}
	}
	return flat(c.arm(cmd.Context(), http.MethodPut, t.path(c), identitiesVersion, d))
}

// appFederatedCommand is federatedCommand for applications, where az takes JSON.
func appFederatedCommand(a *app) *cobra.Command {
	var id, key, parameters string
	at := func(c *client, cmd *cobra.Command) (string, error) {
		found, err := c.object(cmd.Context(), "/applications", id)
		path := "/applications/" + objectID(found) + "/federatedIdentityCredentials"
		if key != "" {
			path += "/" + key
		}
		return path, err
	}
	call := func(method string) func(*client, *cobra.Command) (any, error) {
		return func(c *client, cmd *cobra.Command) (any, error) {
			path, err := at(c, cmd)
			if err != nil {
				return nil, err
			}
			var body any
			if method == http.MethodPost || method == http.MethodPatch {
				if body, err = given(parameters); err != nil {
					return nil, err
				}
			}
			return c.graph(cmd.Context(), method, path, body)
		}
	}
	const use = "lanyard ad app federated-credential "
	create := a.verb("create", "Trust an issuer's tokens for one subject to speak for an application", use+"create --id $APP_ID --parameters @credential.json", call(http.MethodPost))
	update := a.verb("update", "Change whom a federated credential trusts", use+"update --id $APP_ID --federated-credential-id github --parameters @credential.json", call(http.MethodPatch))
	show := a.verb("show", "Show a federated credential", use+"show --id $APP_ID --federated-credential-id github", call(http.MethodGet))
	remove := a.verb("delete", "Trust an issuer no longer", use+"delete --id $APP_ID --federated-credential-id github", call(http.MethodDelete))
	list := a.verb("list", "List the federated credentials of an application", use+"list --id $APP_ID", func(c *client, cmd *cobra.Command) (any, error) {
		path, err := at(c, cmd)
		if err != nil {
			return nil, err
		}
		return c.graphList(cmd.Context(), path, "")
	})
	for _, verb := range []*cobra.Command{create, update} {
		verb.Flags().StringVar(&parameters, "parameters", "", "JSON with name, issuer, subject and audiences, or @file")
		must(verb, "parameters")
	}
	for _, verb := range []*cobra.Command{update, show, remove} {
		verb.Flags().StringVar(&key, "federated-credential-id", "", "id or name of the federated credential")
		must(verb, "federated-credential-id")
	}
	for _, verb := range []*cobra.Command{create, update, show, list, remove} {
		verb.Flags().StringVar(&id, "id", "", "client id, object id or URI of the application")
		must(verb, "id")
	}
	cmd := parent("federated-credential", "Manage whose tokens may speak for an application", use+"list --id $APP_ID")
	cmd.AddCommand(create, update, show, list, remove)
	return cmd
}

// given reads a flag that is JSON, or names a file of it.
func given(flag string) (map[string]any, error) {
	text, err := contents(flag)
	if err != nil {
		return nil, err
	}
	var body map[string]any
	if err := json.Unmarshal(text, &body); err != nil {
		return nil, hinted{"--parameters is no JSON object", `lanyard ad app federated-credential create --id $APP_ID --parameters '{"name":"github","issuer":"https://...","subject":"...","audiences":["` + cloud.TokenExchange + `"]}'`}
	}
	return body, nil
}
