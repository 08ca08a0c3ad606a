package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"

	"github.com/spf13/cobra"
)

func tokenCommand(a *app) *cobra.Command {
	var resource, client string
	cmd := &cobra.Command{
		Use: "token", Short: "Ask for a token: as the app inside one, as the owner outside",
		Example: "  lanyard run --name t --system-assigned -- lanyard token --resource https://vault.azure.net",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if endpoint := os.Getenv("IDENTITY_ENDPOINT"); endpoint != "" {
				answer, err := appToken(cmd.Context(), endpoint, resource, client)
				if err != nil {
					return err
				}
				return a.print(answer)
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			token, err := c.token(cmd.Context(), resource)
			if err != nil {
				return err
			}
			return a.print(map[string]string{"accessToken": token, "tokenType": "Bearer", "tenant": string(c.seat.Tenant)})
		},
	}
	cmd.Flags().StringVar(&resource, "resource", "https://management.azure.com/", "what the token is for")
	cmd.Flags().StringVar(&client, "client-id", "", "client id of a user-assigned identity")
	cmd.AddCommand(tokenKeysCommand(a), recallCommand(a, "revoke", "Take tokens back: whoever they open something for refuses them"),
		recallCommand(a, "refresh", "Have new tokens minted at the next request; those that are out live on"))
	return cmd
}

// appToken asks the app's own endpoint (protocol 2019-08-01), as its SDK would.
func appToken(ctx context.Context, endpoint, resource, client string) (json.RawMessage, error) {
	q := url.Values{"api-version": {"2019-08-01"}, "resource": {resource}}
	if client != "" {
		q.Set("client_id", client)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"?"+q.Encode(), nil)
	if err != nil {
		return nil, err
	}
	req.Header.Set("X-IDENTITY-HEADER", os.Getenv("IDENTITY_HEADER"))
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("the identity endpoint answered %d: %s", resp.StatusCode, body)
	}
	return body, nil
}
