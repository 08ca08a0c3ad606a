package directory

import "lanyard/internal/cloud"

// Belonging gives what a token of a principal for a resource says of it at this moment: the ids of the
// groups that it is in, if the resource's application asks for them, and the values of the app roles
// that it was assigned there. Either is nil when there is nothing to say.
func (d *Directory) Belonging(of cloud.PrincipalID, resource Resource) (groups, roles []string) {
	return nil, nil
}
