package authorization

import (
	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/store"
)

// owner is the built-in role Owner (wire-facts: "Role GUIDs").
const owner = "8e3af657-a8ff-443c-a75c-2fe8c4bcb635"

// keepAdministrator refuses to take Owner from the last one who has it for a subscription or the
// tenant, there or above. The deletion depends on another one staying, so that two owners cannot
// take each other's at the same moment. What goes along with its scope goes.
func (a assignment) keepAdministrator(c *arm.Change, p assignmentProperties, role string) error {
	scope := c.ID.Scope()
	wide := scope.Equal(cloud.Root) || scope.Is("Microsoft.Resources/subscriptions")
	if role != owner || !wide || !c.Going.Equal(c.ID) || c.Caller.Principal == "" || !a.lives(p) {
		return nil
	}
	others := a.Resources.At(scope, Assignments)
	if !scope.Equal(cloud.Root) {
		others = append(others, a.Resources.At(cloud.Root, Assignments)...)
	}
	for _, d := range others {
		other, role, err := grantOf(d)
		if err != nil {
			return err
		}
		if role == owner && !d.ID.Equal(c.ID) && d.Deleting == "" && a.lives(other) {
			c.Writes = append(c.Writes, store.Change{Key: cloud.DocumentKey(d.ID), If: d.Revision, Check: true})
			return nil
		}
	}
	return fault.New(fault.Stale, "CannotDeleteLastRbacAdminAssignment", "Cannot delete the last RBAC admin assignment.").
		Try("lanyard role assignment create --assignee $SOMEBODY_ELSE --role Owner --scope %s", scope)
}

// lives reports whether an assignment makes somebody an administrator who is there to stay: whether its
// principal exists. A group does not count, for its members and it itself can go at any time.
func (a assignment) lives(p assignmentProperties) bool {
	who, ok := a.Directory.Holder(cloud.PrincipalID(p.PrincipalID))
	return ok && who.Kind != cloud.Group
}
