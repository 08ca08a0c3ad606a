package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"net/url"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/platform"
)

// client speaks to a running platform as its owner, over the same doors as everybody else.
type client struct {
	seat   *platform.Seat
	http   *http.Client
	tokens map[string]string // by resource
}

// connect opens the world in the state folder; it fails with what to type when none is running.
func (a *app) connect() (*client, error) {
	seat, err := platform.OpenSeat(a.state)
	if err != nil {
		return nil, hinted{err.Error(), "lanyard up --state " + a.state}
	}
	return &client{seat: seat, http: seat.Client(), tokens: map[string]string{}}, nil
}

const (
	armResource   = "https://management.azure.com/"
	vaultResource = "https://vault.azure.net"
)

// token gives the owner's token for a resource, asked for once.
func (c *client) token(ctx context.Context, resource string) (string, error) {
	if t := c.tokens[resource]; t != "" {
		return t, nil
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "client_id": {string(c.seat.ClientID)},
		"client_secret": {c.seat.Secret.Open()}, "scope": {resource + "/.default"},
	}
	at := "https://" + cloud.Azure.Authority + "/" + string(c.seat.Tenant) + "/oauth2/v2.0/token"
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, at, strings.NewReader(form.Encode()))
	if err != nil {
		return "", err
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	body, err := c.send(req)
	if err != nil {
		return "", err
	}
	var grant struct {
		AccessToken string `json:"access_token"`
	}
	if err := json.Unmarshal(body, &grant); err != nil {
		return "", fmt.Errorf("read token answer: %w", err)
	}
	c.tokens[resource] = grant.AccessToken
	return grant.AccessToken, nil
}

// call is one request with the owner's token. A nil body sends none.
func (c *client) call(ctx context.Context, method, address, resource string, body any) (json.RawMessage, error) {
	var reader io.Reader
	if body != nil {
		b, err := json.Marshal(body)
		if err != nil {
			return nil, err
		}
		reader = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, address, reader)
	if err != nil {
		return nil, err
	}
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	token, err := c.token(ctx, resource)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return c.send(req)
}

// arm calls the management API: path is a resource id or collection, with an optional query.
func (c *client) arm(ctx context.Context, method, path, version string, body any) (json.RawMessage, error) {
	return c.call(ctx, method, versioned(cloud.Azure.Management, path, version), armResource, body)
}

// list calls a collection of the management API and gives its values, all pages.
func (c *client) list(ctx context.Context, path, version string) ([]json.RawMessage, error) {
	return c.pages(ctx, versioned(cloud.Azure.Management, path, version), armResource)
}

// vaultVersion is the api-version that the commands speak to vaults.
const vaultVersion = "7.4"

// vault calls a vault's data plane.
func (c *client) vault(ctx context.Context, method, vault, path string, body any) (json.RawMessage, error) {
	return c.call(ctx, method, versioned(cloud.Azure.VaultHost(vault), path, vaultVersion), vaultResource, body)
}

// vaultList calls a collection of a vault and gives its values, all pages.
func (c *client) vaultList(ctx context.Context, vault, path string) ([]json.RawMessage, error) {
	return c.pages(ctx, versioned(cloud.Azure.VaultHost(vault), path, vaultVersion), vaultResource)
}

func versioned(host, path, version string) string {
	joiner := "?"
	if strings.Contains(path, "?") {
		joiner = "&"
	}
	return "https://" + host + path + joiner + "api-version=" + version
}

// pages reads a list to its end.
func (c *client) pages(ctx context.Context, address, resource string) ([]json.RawMessage, error) {
	all := []json.RawMessage{}
	for doc, err := range c.values(ctx, address, resource) {
		if err != nil {
			return nil, err
		}
		all = append(all, doc)
	}
	return all, nil
}

// values gives what a list holds, and asks for a page when the one before is used up.
func (c *client) values(ctx context.Context, address, resource string) iter.Seq2[json.RawMessage, error] {
	return func(yield func(json.RawMessage, error) bool) {
		for address != "" {
			var page struct {
				Value    []json.RawMessage `json:"value"`
				NextLink string            `json:"nextLink"`
				Further  string            `json:"@odata.nextLink"` // the directory's word for it
			}
			body, err := c.call(ctx, http.MethodGet, address, resource, nil)
			if err != nil {
				yield(nil, err)
				return
			}
			if err := json.Unmarshal(body, &page); err != nil {
				yield(nil, fmt.Errorf("read list: %w", err))
				return
			}
			for _, doc := range page.Value {
				if !yield(doc, nil) {
					return
				}
			}
			address = page.NextLink + page.Further
		}
	}
}

// control calls what belongs to Lanyard alone.
func (c *client) control(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	return c.call(ctx, method, "https://"+platform.ControlHost+path, armResource, body)
}

func (c *client) send(req *http.Request) (json.RawMessage, error) {
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, hinted{fmt.Sprintf("no answer from the platform at %s: %v", c.seat.Address, err), "lanyard status"}
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, fmt.Errorf("read answer: %w", err)
	}
	if resp.StatusCode >= 400 {
		return nil, refusal(resp.StatusCode, body)
	}
	return body, nil
}

// refusal reads an error in any of the dialects that the doors speak.
func refusal(status int, body []byte) error {
	var arm struct {
		Error struct {
			Code           string `json:"code"`
			Message        string `json:"message"`
			AdditionalInfo []struct {
				Info struct {
					Try string `json:"try"`
				} `json:"info"`
			} `json:"additionalInfo"`
		} `json:"error"`
	}
	if json.Unmarshal(body, &arm) == nil && arm.Error.Code != "" {
		h := hinted{text: arm.Error.Code + ": " + arm.Error.Message}
		for _, info := range arm.Error.AdditionalInfo {
			h.hint = info.Info.Try
		}
		return h
	}
	var oauth struct {
		Description string `json:"error_description"`
	}
	if json.Unmarshal(body, &oauth) == nil && oauth.Description != "" {
		return hinted{text: oauth.Description}
	}
	return fmt.Errorf("the platform answered %d: %s", status, body)
}

// open calls an action of the management API and leaves the answer's body open, for streams.
func (c *client) open(ctx context.Context, path string, body any) (*http.Response, error) {
	text, err := json.Marshal(body)
	if err != nil {
		return nil, err
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "https://"+cloud.Azure.Management+path, bytes.NewReader(text))
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	token, err := c.token(ctx, armResource)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := c.http.Do(req)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 400 {
		defer resp.Body.Close()
		b, err := io.ReadAll(resp.Body)
		if err != nil {
			return nil, err
		}
		return nil, refusal(resp.StatusCode, b)
	}
	return resp, nil
}

// deleted deletes a resource and waits until it is gone.
func (c *client) deleted(ctx context.Context, path, version string) (any, error) {
	if _, err := c.arm(ctx, http.MethodDelete, path, version, nil); err != nil {
		return nil, err
	}
	for {
		_, err := c.arm(ctx, http.MethodGet, path, version, nil)
		if h := (hinted{}); errors.As(err, &h) && strings.Contains(h.text, "NotFound: ") {
			return nil, nil
		}
		if err != nil {
			return nil, err
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-time.After(200 * time.Millisecond):
		}
	}
}
