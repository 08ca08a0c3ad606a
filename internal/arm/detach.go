package arm

import (
	"cmp"
	"fmt"
	"slices"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// maxRecalled is how many detachments are told apart in one write: where there are more, all tokens that
// were minted for the resource go, and those who still wear an identity get new ones.
const maxRecalled = 8

// detach gives the writes by which tokens go that user-assigned identities got for a resource which no
// longer wears them, since a change or, where now is nil, since it is deleted. A system-assigned identity
// goes with all of its tokens anyway.
func (e *Engine) detach(id cloud.ID, had, now *Identity) ([]store.Change, error) {
	if had == nil || len(had.User) == 0 {
		return nil, nil
	}
	worn := map[cloud.PrincipalID]bool{}
	if now != nil {
		for _, u := range now.User {
			worn[u.Principal] = true
		}
	}
	var gone []cloud.PrincipalID
	for _, u := range had.User {
		if u != nil && u.Principal != "" && !worn[u.Principal] {
			gone = append(gone, u.Principal)
		}
	}
	slices.SortFunc(gone, cmp.Compare[cloud.PrincipalID])
	if gone = slices.Compact(gone); len(gone) > maxRecalled || now == nil && len(gone) > 0 {
		gone = []cloud.PrincipalID{""}
	}
	var writes []store.Change
	for _, of := range gone {
		recall, err := e.Directory.Detached(id, of)
		if err != nil {
			return nil, fmt.Errorf("recall tokens for %s: %w", id, err)
		}
		writes = append(writes, recall...)
	}
	return writes, nil
}
