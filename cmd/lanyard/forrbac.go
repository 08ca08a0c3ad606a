package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"

	"github.com/spf13/cobra"
)

// enrollment holds the flags of create-for-rbac.
type enrollment struct {
	name, role, cert string
	scopes           []string
	makeCert         bool
	years            int
}

func forRBACCommand(a *app) *cobra.Command {
	var e enrollment
	cmd := a.verb("create-for-rbac", "Create an application with a service principal, a credential and a role",
		"lanyard ad sp create-for-rbac -n deployer --role Contributor --scopes $GROUP_ID",
		func(c *client, cmd *cobra.Command) (any, error) { return c.enroll(cmd.Context(), &e) })
	f := cmd.Flags()
	f.StringVarP(&e.name, "name", "n", "", "name of the application")
	f.StringVar(&e.name, "display-name", "", "the same as --name")
	f.StringVar(&e.role, "role", "", "name or id of a role to grant")
	f.StringSliceVar(&e.scopes, "scopes", nil, "where the role is granted")
	f.StringVar(&e.cert, "cert", "", "certificate instead of a password: PEM, or @file")
	f.BoolVar(&e.makeCert, "create-cert", false, "make a certificate instead of a password")
	f.IntVar(&e.years, "years", 1, "how long the credential lasts")
	cmd.MarkFlagsRequiredTogether("role", "scopes")
	cmd.MarkFlagsMutuallyExclusive("cert", "create-cert")
	must(cmd, "name")
	return cmd
}

// enroll makes an application with everything it needs to sign in and to work.
func (c *client) enroll(ctx context.Context, e *enrollment) (any, error) {
	registered, err := c.graph(ctx, http.MethodPost, "/applications", map[string]any{"displayName": e.name})
	if err != nil {
		return nil, err
	}
	var m member
	if err := json.Unmarshal(registered, &m); err != nil {
		return nil, fmt.Errorf("read application: %w", err)
	}
	who, err := c.graph(ctx, http.MethodPost, "/servicePrincipals", map[string]any{"appId": m.AppID})
	if err != nil {
		return nil, err
	}
	given, err := c.equip(ctx, e, registered)
	if err != nil {
		return nil, err
	}
	for _, scope := range e.scopes {
		g := grant{role: e.role, objectID: objectID(who), principalType: "ServicePrincipal", scope: scope}
		if _, err := c.createAssignment(ctx, &g); err != nil {
			return nil, err
		}
	}
	return given, nil
}

// equip gives a new application its credential: a password, or the certificate asked for.
func (c *client) equip(ctx context.Context, e *enrollment, registered json.RawMessage) (issued, error) {
	if e.cert == "" && !e.makeCert {
		return c.addPassword(ctx, registered, "rbac", e.years)
	}
	var m member
	if err := json.Unmarshal(registered, &m); err != nil {
		return issued{}, err
	}
	given := issued{AppID: m.AppID, DisplayName: m.Name, Tenant: c.seat.Tenant}
	var der []byte
	var err error
	if e.makeCert {
		der, given.File, err = makeCertificate(e.name, e.years)
	} else {
		der, err = readCertificate(e.cert)
	}
	if err != nil {
		return issued{}, err
	}
	_, err = c.graph(ctx, http.MethodPatch, "/applications/"+string(m.ID), map[string]any{"keyCredentials": []any{keyCredential(der, "rbac")}})
	return given, err
}
