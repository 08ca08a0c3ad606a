package main

import (
	"errors"
	"net/http"

	"github.com/spf13/cobra"
)

func secretCommand(a *app) *cobra.Command {
	secret := parent("secret", "Manage the secrets of a vault", "lanyard keyvault secret show --vault-name shop-kv --name db")
	var vault, name, version, value, file string
	set := a.verb("set", "Write a new version of a secret", "lanyard keyvault secret set --vault-name shop-kv -n db --value s3cret", func(c *client, cmd *cobra.Command) (any, error) {
		v, err := secretValue(value, file)
		if err != nil {
			return nil, err
		}
		return c.vault(cmd.Context(), http.MethodPut, vault, "/secrets/"+name, map[string]any{"value": v})
	})
	set.Flags().StringVar(&value, "value", "", "the secret's value")
	set.Flags().StringVarP(&file, "file", "f", "", "file that holds the value")
	show := a.verb("show", "Read a secret", "lanyard keyvault secret show --vault-name shop-kv -n db --query value -o tsv", func(c *client, cmd *cobra.Command) (any, error) {
		return c.vault(cmd.Context(), http.MethodGet, vault, "/secrets/"+name+"/"+version, nil)
	})
	show.Flags().StringVarP(&version, "version", "v", "", "a version; the current one when left out")
	remove := a.verb("delete", "Delete a secret; it can be recovered", "lanyard keyvault secret delete --vault-name shop-kv -n db", func(c *client, cmd *cobra.Command) (any, error) {
		return c.vault(cmd.Context(), http.MethodDelete, vault, "/secrets/"+name, nil)
	})
	recoverVerb := a.verb("recover", "Bring a deleted secret back", "lanyard keyvault secret recover --vault-name shop-kv -n db", func(c *client, cmd *cobra.Command) (any, error) {
		return c.vault(cmd.Context(), http.MethodPost, vault, "/deletedsecrets/"+name+"/recover", nil)
	})
	purge := a.verb("purge", "Remove a deleted secret for good", "lanyard keyvault secret purge --vault-name shop-kv -n db", func(c *client, cmd *cobra.Command) (any, error) {
		return c.vault(cmd.Context(), http.MethodDelete, vault, "/deletedsecrets/"+name, nil)
	})
	versions := a.verb("list-versions", "List the versions of a secret", "lanyard keyvault secret list-versions --vault-name shop-kv -n db", func(c *client, cmd *cobra.Command) (any, error) {
		return c.vaultList(cmd.Context(), vault, "/secrets/"+name+"/versions")
	})
	list := a.verb("list", "List the secrets of a vault, without values", "lanyard keyvault secret list --vault-name shop-kv", func(c *client, cmd *cobra.Command) (any, error) {
		return c.vaultList(cmd.Context(), vault, "/secrets")
	})
	deleted := a.verb("list-deleted", "List deleted secrets", "lanyard keyvault secret list-deleted --vault-name shop-kv", func(c *client, cmd *cobra.Command) (any, error) {
		return c.vaultList(cmd.Context(), vault, "/deletedsecrets")
	})
	for _, verb := range []*cobra.Command{set, show, remove, recoverVerb, purge, versions} {
		verb.Flags().StringVarP(&name, "name", "n", "", "name of the secret")
		must(verb, "name")
	}
	all := []*cobra.Command{set, show, list, versions, remove, deleted, recoverVerb, purge}
	for _, verb := range all {
		verb.Flags().StringVar(&vault, "vault-name", "", "name of the vault")
		must(verb, "vault-name")
	}
	secret.AddCommand(all...)
	return secret
}

func secretValue(value, file string) (string, error) {
	switch {
	case value != "" && file != "":
		return "", errors.New("--value and --file exclude each other")
	case file != "":
		b, err := readText(file)
		return string(b), err
	case value == "":
		return "", hinted{"a secret needs a value", "lanyard keyvault secret set ... --value VALUE"}
	}
	return value, nil
}
