package msi

import (
	"slices"

	"lanyard/internal/cloud"
	"lanyard/internal/drill"
	"lanyard/internal/fault"
	"lanyard/internal/host"
)

// worn gives the identities that a replica wears: those of its app, but for what a drill withholds. The
// slice is shared: read it only.
func (d *Door) worn(r *host.Replica) []cloud.Identity {
	all := r.Identities()
	if !d.drilled(r) {
		return all
	}
	return slices.DeleteFunc(slices.Clone(all), func(id cloud.Identity) bool { return attachedLate(r, id) })
}

// drilled reports whether a replica wears only what its app wore when its revision was made (ID-9).
func (d *Door) drilled(r *host.Replica) bool {
	return d.Drills != nil && r.Since != nil && d.Drills().Covers(drill.LateIdentity, r.App)
}

// attachedLate reports whether an identity was attached after a replica's revision was made.
func attachedLate(r *host.Replica, id cloud.Identity) bool {
	return !slices.Contains(r.Since, id.Principal)
}

// withheld refuses an ask for an identity that a drill withholds, and names the drill; nil when none does.
func (d *Door) withheld(p *protocol, r *host.Replica, a ask) *fault.Error {
	if !d.drilled(r) {
		return nil
	}
	all := r.Identities()
	id, ok, _ := p.pick(a, all, r.Init) // several that could be meant are none
	if !ok && a.by == "" {
		if i := slices.IndexFunc(all, func(id cloud.Identity) bool { return attachedLate(r, id) }); i >= 0 && len(d.worn(r)) == 0 {
			id, ok = all[i], true
		}
	}
	if !ok || !attachedLate(r, id) {
		return nil
	}
	return p.missing("the drill %s withholds %s, which was attached after the revision %s was made", drill.LateIdentity, id.Resource.Name(), r.Revision).
		Try("make a new revision: lanyard containerapp update --name %s --resource-group %s --revision-suffix NEW; or end the drill %s: lanyard drill stop %s",
			r.App.Name(), r.App.Group(), drill.LateIdentity, drill.LateIdentity)
}
