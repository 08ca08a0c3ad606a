package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"lanyard/internal/cloud"
)

const graphResource = "https://graph.microsoft.com"

// graph calls the directory: path begins below its version.
func (c *client) graph(ctx context.Context, method, path string, body any) (json.RawMessage, error) {
	return c.call(ctx, method, "https://"+cloud.Azure.Graph+"/v1.0"+path, graphResource, body)
}

// graphList gives the objects of a directory collection for which a filter holds, all pages; an
// empty filter chooses all.
func (c *client) graphList(ctx context.Context, collection, filter string) ([]json.RawMessage, error) {
	at := "https://" + cloud.Azure.Graph + "/v1.0" + collection
	if filter != "" {
		at += "?$filter=" + url.QueryEscape(filter)
	}
	return c.pages(ctx, at, graphResource)
}

// member is a directory object as far as every kind has it.
type member struct {
	Kind   string            `json:"@odata.type"`
	ID     cloud.PrincipalID `json:"id"`
	AppID  cloud.ClientID    `json:"appId"`
	Name   string            `json:"displayName"`
	SignIn string            `json:"userPrincipalName"`
}

// label is what az calls a principal in lists: people by their sign-in name, apps by their client id.
func (m member) label() string {
	switch {
	case m.SignIn != "":
		return m.SignIn
	case m.Name != "":
		return m.Name
	}
	return string(m.AppID)
}

// quoted writes a string of an OData filter.
func quoted(text string) string { return "'" + strings.ReplaceAll(text, "'", "''") + "'" }

// members finds who goes by a name, a sign-in name, a client id or a principal id (ID-17).
func (c *client) members(ctx context.Context, who string) ([]member, error) {
	if cloud.IsGUID(who) {
		found, err := c.membersByID(ctx, []cloud.PrincipalID{cloud.PrincipalID(who)})
		if err != nil || len(found) > 0 {
			return found, err
		}
		return c.membersWhere(ctx, "/servicePrincipals", "appId eq "+quoted(who))
	}
	if strings.Contains(who, "@") {
		found, err := c.membersWhere(ctx, "/users", "userPrincipalName eq "+quoted(who))
		if err != nil || len(found) > 0 {
			return found, err
		}
	}
	if strings.Contains(who, "://") {
		return c.membersWhere(ctx, "/servicePrincipals", "servicePrincipalNames/any(c:c eq "+quoted(who)+")")
	}
	found, err := c.membersWhere(ctx, "/servicePrincipals", "displayName eq "+quoted(who))
	if err != nil {
		return nil, err
	}
	groups, err := c.membersWhere(ctx, "/groups", "displayName eq "+quoted(who))
	return append(found, groups...), err
}

func (c *client) membersWhere(ctx context.Context, collection, filter string) ([]member, error) {
	docs, err := c.graphList(ctx, collection, filter)
	if err != nil {
		return nil, err
	}
	return readMembers(docs)
}

// maxIDs is how many ids one getByIds call takes (Microsoft Graph: directoryObject: getByIds).
const maxIDs = 1000

// membersByID gives those of ids that the directory knows.
func (c *client) membersByID(ctx context.Context, ids []cloud.PrincipalID) ([]member, error) {
	var found []member
	for len(ids) > 0 {
		some := ids[:min(len(ids), maxIDs)]
		ids = ids[len(some):]
		body, err := c.graph(ctx, http.MethodPost, "/directoryObjects/getByIds", map[string]any{
			"ids": some, "types": []string{"user", "group", "servicePrincipal"}, // not an application's registration
		})
		if err != nil {
			return nil, err
		}
		var page struct {
			Value []json.RawMessage `json:"value"`
		}
		if err := json.Unmarshal(body, &page); err != nil {
			return nil, fmt.Errorf("read directory objects: %w", err)
		}
		more, err := readMembers(page.Value)
		if err != nil {
			return nil, err
		}
		found = append(found, more...)
	}
	return found, nil
}

func readMembers(docs []json.RawMessage) ([]member, error) {
	found := make([]member, len(docs))
	for i, d := range docs {
		if err := json.Unmarshal(d, &found[i]); err != nil {
			return nil, fmt.Errorf("read directory object: %w", err)
		}
	}
	return found, nil
}

// member gives the one who goes by a name or id.
func (c *client) member(ctx context.Context, who string) (member, error) {
	if who == "" {
		return member{}, hinted{"say who: --assignee takes a name, client id or principal id", "lanyard identity list"}
	}
	found, err := c.members(ctx, who)
	switch {
	case err != nil:
		return member{}, err
	case len(found) == 0:
		return member{}, hinted{fmt.Sprintf("nobody in the directory goes by %q as a name, client id or principal id", who), "lanyard identity list"}
	case len(found) > 1:
		return member{}, hinted{fmt.Sprintf("%d principals are named %q; use a principal id", len(found), who), "lanyard ad sp list --display-name " + who}
	}
	return found[0], nil
}
