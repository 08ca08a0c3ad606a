// Package rbac decides whether a principal may do an action at a scope, and says why.
//
// It must not know where grants come from, what time it is, or what is done with its answer.
package rbac

import (
	"slices"

	"lanyard/internal/cloud"
)

// Request asks one question: may this principal do this here?
type Request struct {
	Principal cloud.PrincipalID
	Action    string // e.g. Microsoft.KeyVault/vaults/secrets/getSecret/action, in any case
	Data      bool   // the action is a data action: of the service, not of its management
	At        cloud.ID
	// Above are further scopes that contain At without being a prefix of it: management groups.
	Above []cloud.ID
	// Groups are those that the principal is in, at any remove: what is granted or denied to them is
	// granted or denied to it.
	Groups []cloud.PrincipalID
}

// speaksOf reports whether what is said of somebody is said of the asker.
func (r *Request) speaksOf(p cloud.PrincipalID) bool {
	return p == r.Principal || slices.Contains(r.Groups, p)
}

// Decision is the answer with its evidence.
type Decision struct {
	Allowed bool
	// By are grants that allow the action: from Decide the first one found, from Explain all of
	// them, also when Denied overrules them. It is shared: read it, do not change it.
	By []cloud.Assignment
	// Denied are the deny assignments that apply; one is enough to refuse.
	Denied []cloud.Denial
	// Near are the principal's grants that almost allow it, nearest first; empty when Allowed.
	Near []Miss
}

// Miss is a grant that almost allowed the action.
type Miss struct {
	Assignment cloud.Assignment
	Role       string // the role's name
	Why        Why
}

// Why says what a Miss lacks.
type Why int

// What a Miss can lack, nearest first.
const (
	Conditioned  Why = iota + 1 // it depends on a condition, and conditions are never taken to hold
	Unassignable                // its role is a custom one that can no longer be assigned where it was
	Subtracted                  // NotActions or NotDataActions of its role take the action away again
	WrongScope                  // its role allows the action, but not here
	WrongPlane                  // a control role where a data role is needed, or the reverse
	WrongAction                 // right scope and plane, and a role that does not have the action
)

var whys = [...]string{
	Conditioned:  "it holds only under a condition, and conditions are not evaluated",
	Unassignable: "none of its role's assignable scopes holds the scope of the assignment",
	Subtracted:   "its role takes the action away again",
	WrongScope:   "its role allows the action, but at another scope",
	WrongPlane:   "its role is for the other plane: control roles hold no data actions, nor the reverse",
	WrongAction:  "its role does not have the action",
}

// String says it as a clause for people.
func (w Why) String() string {
	if w <= 0 || int(w) >= len(whys) {
		return "unknown"
	}
	return whys[w]
}
