package directory

import (
	"sync"

	"lanyard/internal/cloud"
	"lanyard/internal/rbac"
)

// Decide answers a request from what the principal and the groups that it is in were granted. A
// principal that is not in the directory is granted nothing, whatever assignments it has left behind
// (ID-2, T26). Evidence that came through a group names the group as its principal.
func (d *Directory) Decide(r rbac.Request) rbac.Decision {
	h := d.holdings(r.Principal)
	r.Groups = h.groups
	return rbac.Decide(r, h.grants, h.denials, h.through...)
}

// Explain is Decide with all the evidence there is, for people, who write ids in either case.
func (d *Directory) Explain(r rbac.Request) rbac.Decision {
	r.Principal = lowered(r.Principal)
	h := d.holdings(r.Principal)
	r.Groups = h.groups
	return rbac.Explain(r, h.grants, h.denials, h.through...)
}

// holding is what concerns one principal.
type holding struct {
	grants  []rbac.Grant
	denials []rbac.Denial
	groups  []cloud.PrincipalID // that it is in at any remove, by id
	through [][]rbac.Grant      // what they were granted, a slice for each that was granted anything
}

// holdings gives what concerns one principal. The slices are replaced when something changes,
// never changed themselves, so they are read without the lock.
func (d *Directory) holdings(p cloud.PrincipalID) holding {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	if !d.isRemembered(p) {
		return holding{denials: d.rights.denialsFor(p)}
	}
	if len(d.people.groups.above[p]) == 0 {
		return holding{grants: d.judged.grants[p], denials: d.rights.denialsFor(p)}
	}
	h, ok := d.held.find(p)
	if !ok {
		h = d.gather(p)
		d.held.keep(p, h)
	}
	return h
}

// gather works out what concerns a principal that is in groups.
func (d *Directory) gather(p cloud.PrincipalID) holding {
	h := holding{grants: d.judged.grants[p], groups: d.people.groups.over(p)}
	for _, g := range h.groups {
		if grants := d.judged.grants[g]; len(grants) > 0 {
			h.through = append(h.through, grants)
		}
	}
	h.denials = d.rights.denialsForAny(append([]cloud.PrincipalID{p}, h.groups...))
	return h
}

// held remembers the holdings of those who are in groups, until a group or a right changes. Whoever
// keeps or empties it holds the directory's own lock, so that nothing is kept that has changed since.
type held struct {
	mu  sync.RWMutex
	all map[cloud.PrincipalID]holding
}

func (h *held) find(p cloud.PrincipalID) (holding, bool) {
	h.mu.RLock()
	defer h.mu.RUnlock()
	found, ok := h.all[p]
	return found, ok
}

func (h *held) keep(p cloud.PrincipalID, what holding) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.all == nil {
		h.all = map[cloud.PrincipalID]holding{}
	}
	h.all[p] = what
}

func (h *held) empty() {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.all = nil
}

// Granted gives the role assignments of a principal or group and of the groups that it is in, by role
// and id; its own come first.
func (d *Directory) Granted(p cloud.PrincipalID) []cloud.Assignment {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	p = lowered(p)
	var all []cloud.Assignment
	for _, holder := range append([]cloud.PrincipalID{p}, d.people.groups.over(p)...) {
		for _, key := range d.rights.keys[holder] {
			all = append(all, d.rights.assignments[key])
		}
	}
	return all
}
