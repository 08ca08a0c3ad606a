package main

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"

	"github.com/spf13/cobra"

	"lanyard/internal/cloud"
	"lanyard/internal/template"
	"lanyard/internal/template/world"
)

func applyCommand(a *app) *cobra.Command {
	return &cobra.Command{
		Use: "apply FILE", Short: "Make what a world file describes", Example: "  lanyard apply examples/hello/world.yaml", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			w, err := readWorld(args[0])
			if err != nil {
				return err
			}
			c, err := a.connect()
			if err != nil {
				return err
			}
			return c.apply(cmd.Context(), w.World)
		},
	}
}

// worldFile is a world file that was read.
type worldFile struct {
	world.World
	path string
}

// readWorld reads a world file; no path gives nil.
func readWorld(path string) (*worldFile, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readText(path)
	if err != nil {
		return nil, fmt.Errorf("read world file: %w", err)
	}
	w, err := world.Parse(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &worldFile{w, path}, nil
}

// apply makes a world through the management API, as the owner. Its timing is Lanyard's own.
func (c *client) apply(ctx context.Context, w world.World) error {
	plan, err := w.Plan(c.seat.Scope(), c.seat.Tenant)
	if err != nil {
		return err
	}
	if w.Timing != "" {
		if _, err := c.control(ctx, http.MethodPut, "/timing", map[string]string{"timing": w.Timing}); err != nil {
			return fmt.Errorf("keep the timing: %w", err)
		}
	}
	for _, r := range plan.Resources {
		if _, err := c.arm(ctx, http.MethodPut, r.ID, r.APIVersion, r.Body); err != nil {
			return fmt.Errorf("make %s: %w", r.ID, err)
		}
	}
	for _, g := range plan.Grants {
		if err := c.applyGrant(ctx, g); err != nil {
			return fmt.Errorf("grant %s to %s: %w", g.Role, g.To, err)
		}
	}
	return nil
}

func (c *client) applyGrant(ctx context.Context, g template.Grant) error {
	principal, err := c.principalOf(ctx, g.To)
	if err != nil {
		return err
	}
	role, err := c.role(ctx, g.Scope, g.Role)
	if err != nil {
		return err
	}
	name := grantName(g.Scope, string(principal), role)
	_, err = c.arm(ctx, http.MethodPut, g.Scope+"/providers/"+assignmentType+"/"+name, rolesVersion, map[string]any{
		"properties": map[string]any{"roleDefinitionId": role, "principalId": principal, "principalType": "ServicePrincipal"},
	})
	return err
}

// principalOf gives the principal id of a resource's identity.
func (c *client) principalOf(ctx context.Context, id string) (cloud.PrincipalID, error) {
	version := appsVersion
	if strings.Contains(id, identityType) {
		version = identitiesVersion
	}
	doc, err := c.arm(ctx, http.MethodGet, id, version, nil)
	if err != nil {
		return "", err
	}
	var d struct {
		Identity   struct{ PrincipalID cloud.PrincipalID } `json:"identity"`
		Properties struct{ PrincipalID cloud.PrincipalID } `json:"properties"`
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		return "", err
	}
	if p := d.Identity.PrincipalID + d.Properties.PrincipalID; p != "" {
		return p, nil
	}
	return "", fmt.Errorf("%s has no identity of its own", id)
}

// grantName gives the same GUID for the same grant, so that applying twice changes nothing.
func grantName(scope, principal, role string) string {
	sum := sha256.Sum256([]byte(strings.ToLower(scope + "\n" + principal + "\n" + role)))
	sum[6] = sum[6]&0x0f | 0x80 // RFC 9562, version 8
	sum[8] = sum[8]&0x3f | 0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
