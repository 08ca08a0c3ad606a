// Package template describes deployments: what should exist, in the order it can be made.
//
// It must not know who deploys it, nor what any resource type does.
package template

import "encoding/json"

// Resource is one resource of a deployment, ready to be sent to the management API.
type Resource struct {
	ID         string          // full resource id
	APIVersion string          // the version its body is written for
	Body       json.RawMessage // without id, name and type, which the ID gives
}

// Grant is a role that a deployment gives to an identity which may only come to be with it, so
// that its principal id is known when the Resource named by To has been made.
type Grant struct {
	To    string // id of a resource that has an identity, or is one
	Role  string // the role's name
	Scope string // where it is granted
}

// Plan is a deployment in order: all resources as listed, then the grants.
type Plan struct {
	Resources []Resource
	Grants    []Grant
}
