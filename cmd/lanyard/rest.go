package main

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"lanyard/internal/cloud"
	"lanyard/internal/platform"
)

// restCommand calls any door with the owner's token.
func restCommand(a *app) *cobra.Command {
	var q question
	cmd := a.verb("rest", "Call any of the world's services with the owner's token",
		"lanyard rest --method get --url '/subscriptions/{subscriptionId}/resourceGroups?api-version=2021-04-01'",
		func(c *client, cmd *cobra.Command) (any, error) { return c.ask(cmd.Context(), &q) })
	f := cmd.Flags()
	f.StringVarP(&q.method, "method", "m", http.MethodGet, "get, put, post, patch, delete, head or options")
	f.StringVarP(&q.url, "url", "u", "", "address; a path is one of the management API; {subscriptionId} stands for the world's own")
	f.StringVarP(&q.body, "body", "b", "", "body, or @file")
	f.StringVar(&q.resource, "resource", "", "audience of the token; known for the world's own services")
	f.StringArrayVar(&q.headers, "headers", nil, "name=value")
	f.StringArrayVar(&q.parameters, "uri-parameters", nil, "name=value")
	f.BoolVar(&q.bare, "skip-authorization-header", false, "send no token")
	must(cmd, "url")
	return cmd
}

// question is a call that the user spells out.
type question struct {
	method, url, body, resource string
	headers, parameters         []string
	bare                        bool
}

// ask sends what the user spelled out, as az rest does.
func (c *client) ask(ctx context.Context, q *question) (json.RawMessage, error) {
	at, err := q.address(c.seat.Subscription)
	if err != nil {
		return nil, err
	}
	body, err := contents(q.body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, strings.ToUpper(q.method), at.String(), bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json")
	}
	for _, h := range q.headers {
		name, value, ok := strings.Cut(h, "=")
		if !ok {
			return nil, fmt.Errorf("header %q has no equals sign", h)
		}
		req.Header.Set(name, value)
	}
	if !q.bare && req.Header.Get("Authorization") == "" {
		resource := q.resource
		if resource == "" {
			if resource = audienceOf(at.Hostname()); resource == "" {
				return nil, hinted{fmt.Sprintf("no audience is known for %s", at.Hostname()), "lanyard rest --resource https://vault.azure.net ..."}
			}
		}
		token, err := c.token(ctx, resource)
		if err != nil {
			return nil, err
		}
		req.Header.Set("Authorization", "Bearer "+token)
	}
	answer, err := c.send(req)
	if err != nil || json.Valid(answer) {
		return answer, err
	}
	return json.Marshal(string(answer))
}

func (q *question) address(subscription string) (*url.URL, error) {
	text := strings.ReplaceAll(q.url, "{subscriptionId}", subscription)
	if strings.HasPrefix(text, "/") {
		text = "https://" + cloud.Azure.Management + text
	}
	at, err := url.Parse(text)
	if err != nil || at.Scheme != "https" || at.Host == "" {
		return nil, hinted{fmt.Sprintf("--url %q is neither a path nor an https address", q.url), "lanyard rest --url '/subscriptions?api-version=2022-12-01'"}
	}
	query := at.Query()
	for _, p := range q.parameters {
		name, value, _ := strings.Cut(p, "=")
		query.Set(name, value)
	}
	if len(q.parameters) > 0 {
		at.RawQuery = query.Encode()
	}
	return at, nil
}

// audienceOf gives the audience of one of the world's own services; "" for others.
func audienceOf(host string) string {
	name := cloud.Azure.Public(host)
	switch {
	case name == cloud.Azure.Management || host == platform.ControlHost:
		return armResource
	case name == cloud.Azure.Graph:
		return graphResource
	case strings.HasSuffix(name, "."+cloud.Azure.VaultSuffix):
		return vaultResource
	}
	return ""
}

// expiry reads when a token ends. The signature is for those to check who are shown the token.
func expiry(token string) (time.Time, error) {
	parts := strings.Split(token, ".")
	if len(parts) != 3 {
		return time.Time{}, errors.New("the token is no JWT")
	}
	text, err := base64.RawURLEncoding.DecodeString(parts[1])
	if err != nil {
		return time.Time{}, fmt.Errorf("read token: %w", err)
	}
	var claims struct {
		Expires int64 `json:"exp"`
	}
	if err := json.Unmarshal(text, &claims); err != nil {
		return time.Time{}, fmt.Errorf("read token: %w", err)
	}
	return time.Unix(claims.Expires, 0), nil
}
