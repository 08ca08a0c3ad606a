package graph

import (
	"encoding/json"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
)

// The kinds of entity (Microsoft Graph v1.0, "application", "servicePrincipal", "user", "group").
var (
	applications = noun{set: "applications", kind: "application", forms: map[string]form{
		"id": text, "appId": text, "displayName": text, "signInAudience": text, "publisherDomain": text,
		"identifierUris": list, "tags": list,
	}}
	principals = noun{set: "servicePrincipals", kind: "servicePrincipal", forms: map[string]form{
		"id": text, "appId": text, "displayName": text, "servicePrincipalType": text, "accountEnabled": flag,
		"servicePrincipalNames": list, "alternativeNames": list,
	}}
	people = noun{set: "users", kind: "user", forms: map[string]form{
		"id": text, "displayName": text, "userPrincipalName": text, "mailNickname": text, "accountEnabled": flag, "userType": text,
	}, shown: []string{
		"businessPhones", "displayName", "givenName", "jobTitle", "mail", "mobilePhone", "officeLocation",
		"preferredLanguage", "surname", "userPrincipalName", "id",
	}}
	groups = noun{set: "groups", kind: "group", forms: map[string]form{
		"id": text, "displayName": text, "mailNickname": text, "description": text, "mail": text, "securityIdentifier": text,
		"securityEnabled": flag, "mailEnabled": flag, "groupTypes": list,
	}}
)

func nounOf(e entity) noun {
	switch e.(type) {
	case application:
		return applications
	case person:
		return people
	case group:
		return groups
	case assigned:
		return roleAssignments
	}
	return principals
}

// application is a registration as an entity.
type application struct {
	directory.Application
	domain string
}

func (a application) id() string { return a.ID }

func (a application) values(property string) []string {
	switch property {
	case "id":
		return []string{a.ID}
	case "appId":
		return []string{string(a.Client)}
	case "displayName":
		return []string{a.Name}
	case "signInAudience":
		return []string{homeTenant}
	case "publisherDomain":
		return []string{a.domain}
	case "identifierUris":
		return a.URIs
	}
	var kept struct{ Tags []string }
	_ = json.Unmarshal(a.Properties, &kept) // what was never set is empty
	return kept.Tags
}

func (a application) shape() map[string]any {
	shape := properties(a.Properties)
	for name, value := range map[string]any{
		"id": a.ID, "appId": a.Client, "displayName": a.Name, "createdDateTime": stamp(a.Created),
		"identifierUris": orEmpty(a.URIs), "publisherDomain": a.domain, "signInAudience": homeTenant,
		"passwordCredentials": passwords(a.Credentials), "keyCredentials": keys(a.Certificates), "appRoles": shownRoles(a.Roles),
	} {
		shape[name] = value
	}
	return shape
}

// principal is a service principal as an entity, with the application that it acts for, if any.
type principal struct {
	cloud.Principal
	of *directory.Application
}

func (p principal) id() string { return string(p.ID) }

func (p principal) values(property string) []string {
	switch property {
	case "id":
		return []string{string(p.ID)}
	case "appId":
		return []string{string(p.Client)}
	case "displayName":
		return []string{p.Name}
	case "servicePrincipalType":
		return []string{p.kind()}
	case "accountEnabled":
		return []string{"true"}
	case "servicePrincipalNames":
		return p.names()
	}
	return p.alternatives()
}

func (p principal) kind() string {
	if p.Kind.IsManaged() {
		return "ManagedIdentity"
	}
	return "Application"
}

// names are those that clients look a service principal up by.
func (p principal) names() []string {
	names := []string{string(p.Client)}
	if p.of != nil {
		names = append(names, p.of.URIs...)
	}
	return names
}

// alternatives say of a managed identity what it belongs to (wire-facts: "Microsoft Graph").
func (p principal) alternatives() []string {
	switch p.Kind {
	case cloud.UserAssigned:
		return []string{"isExplicit=True", p.Resource.String()}
	case cloud.SystemAssigned:
		return []string{"isExplicit=False", p.Resource.String()}
	}
	return []string{}
}

func (p principal) shape() map[string]any {
	shape := map[string]any{
		"id": p.ID, "appId": p.Client, "displayName": p.Name, "createdDateTime": stamp(p.Created),
		"accountEnabled": true, "servicePrincipalType": p.kind(),
		"servicePrincipalNames": p.names(), "alternativeNames": p.alternatives(),
		"passwordCredentials": passwords(p.Credentials), "keyCredentials": keys(p.Certificates),
		"appDisplayName": nil, "appOwnerOrganizationId": nil, "signInAudience": nil,
		"deletedDateTime": nil, "description": nil, "homepage": nil, "loginUrl": nil, "logoutUrl": nil, "notes": nil,
		"appDescription": nil, "applicationTemplateId": nil, "disabledByMicrosoftStatus": nil,
		"preferredSingleSignOnMode": nil, "tokenEncryptionKeyId": nil,
		"appRoleAssignmentRequired": false, "tags": []string{}, "replyUrls": []string{}, "addIns": []string{},
		"appRoles": shownRoles(nil), "oauth2PermissionScopes": []string{}, "notificationEmailAddresses": []string{},
	}
	if p.of != nil {
		shape["appRoles"] = shownRoles(p.of.Roles)
		shape["appDisplayName"], shape["appOwnerOrganizationId"], shape["signInAudience"] = p.of.Name, p.Tenant, homeTenant
	}
	return shape
}

// person is somebody who signs in.
type person struct{ cloud.Principal }

func (p person) id() string { return string(p.ID) }

func (p person) values(property string) []string {
	switch property {
	case "id":
		return []string{string(p.ID)}
	case "displayName":
		return []string{p.Name}
	case "userPrincipalName":
		return []string{p.SignIn}
	case "accountEnabled":
		return []string{"true"}
	case "userType":
		return []string{"Member"}
	}
	return []string{p.nickname()}
}

func (p person) nickname() string {
	local, _, _ := strings.Cut(p.SignIn, "@")
	return local
}

func (p person) shape() map[string]any {
	return map[string]any{
		"id": p.ID, "displayName": p.Name, "userPrincipalName": p.SignIn, "mailNickname": p.nickname(),
		"accountEnabled": true, "userType": "Member", "createdDateTime": stamp(p.Created),
		"businessPhones": []string{}, "givenName": nil, "jobTitle": nil, "mail": nil, "mobilePhone": nil,
		"officeLocation": nil, "preferredLanguage": nil, "surname": nil,
	}
}

func orNull(s string) any {
	if s == "" {
		return nil
	}
	return s
}

func orEmpty(all []string) []string {
	if all == nil {
		return []string{}
	}
	return all
}
