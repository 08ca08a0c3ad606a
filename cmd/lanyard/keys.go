package main

import (
	"crypto/x509"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/spf13/cobra"
)

func tokenKeysCommand(a *app) *cobra.Command {
	keys := parent("keys", "See and rotate the keys that sign tokens", "lanyard token keys list")
	keys.AddCommand(
		a.verb("list", "List the published keys", "lanyard token keys list", func(c *client, cmd *cobra.Command) (any, error) {
			body, err := c.control(cmd.Context(), http.MethodGet, "/keys", nil)
			if err != nil || !a.tabular() {
				return body, err
			}
			return keysInBrief(body)
		}),
		a.verb("rotate", "Publish a new key, which signs once verifiers have had time to see it", "lanyard token keys rotate", func(c *client, cmd *cobra.Command) (any, error) {
			return c.control(cmd.Context(), http.MethodPost, "/keys/rotate", nil)
		}),
		a.verb("hold", "Stop rotation: the key that signs now signs on", "lanyard token keys hold", func(c *client, cmd *cobra.Command) (any, error) {
			return c.control(cmd.Context(), http.MethodPost, "/keys/hold", nil)
		}),
		a.verb("release", "Let rotation go on", "lanyard token keys release", func(c *client, cmd *cobra.Command) (any, error) {
			return c.control(cmd.Context(), http.MethodPost, "/keys/release", nil)
		}),
	)
	return keys
}

// key is what a table shows of a published key (RFC 7517 section 4).
type key struct {
	ID    string    `json:"kid"`
	From  time.Time `json:"from"`  // when its certificate begins
	Until time.Time `json:"until"` // and ends
}

func keysInBrief(set []byte) ([]key, error) {
	var published struct {
		Keys []struct {
			ID    string   `json:"kid"`
			Chain [][]byte `json:"x5c"`
		} `json:"keys"`
	}
	if err := json.Unmarshal(set, &published); err != nil {
		return nil, fmt.Errorf("read keys: %w", err)
	}
	rows := make([]key, len(published.Keys))
	for i, k := range published.Keys {
		rows[i].ID = k.ID
		if len(k.Chain) == 0 {
			continue
		}
		certificate, err := x509.ParseCertificate(k.Chain[0])
		if err != nil {
			return nil, fmt.Errorf("read certificate of key %s: %w", k.ID, err)
		}
		rows[i].From, rows[i].Until = certificate.NotBefore, certificate.NotAfter
	}
	return rows, nil
}
