package directory

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

// MaxMembers is how many members and owners a group has at most: its document stays below what the
// store takes at once.
const MaxMembers = 10_000

// Group is a security group: principals and groups that are granted roles together. Nobody signs in as
// a group. Those of its members that are gone from the directory count for nothing, and no other gets
// their ids (T26).
type Group struct {
	ID          cloud.PrincipalID   `json:"id"`
	Name        string              `json:"name"`
	Nickname    string              `json:"nickname"`
	Description string              `json:"description,omitempty"`
	Created     time.Time           `json:"created"`
	Owners      []cloud.PrincipalID `json:"owners,omitempty"`  // may change it
	Members     []cloud.PrincipalID `json:"members,omitempty"` // principals of every kind, and groups
}

// GroupKey gives the key of a group.
func GroupKey(id cloud.PrincipalID) string { return cloud.KeysGroup + strings.ToLower(string(id)) }

// NewGroup makes a group with an id that nobody has or had. It writes nothing.
func (d *Directory) NewGroup(name, nickname string) (Group, error) {
	d.open()
	if name == "" || nickname == "" {
		return Group{}, errors.New("make group: it has no name or no nickname")
	}
	id, _, err := d.draw()
	if err != nil {
		return Group{}, fmt.Errorf("make group %q: %w", name, err)
	}
	return Group{ID: id, Name: name, Nickname: nickname, Created: d.Now().UTC()}, nil
}

// Group finds a group by its id.
func (d *Directory) Group(id cloud.PrincipalID) (Group, bool) {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	g, ok := d.people.groups.byID[lowered(id)]
	return g, ok
}

// Groups gives all groups, by id.
func (d *Directory) Groups() []Group {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	all := make([]Group, 0, len(d.people.groups.byID))
	for _, g := range d.people.groups.byID {
		all = append(all, g)
	}
	slices.SortFunc(all, func(a, b Group) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all
}

// MemberOf gives the groups that list a principal or group as their member, by id.
func (d *Directory) MemberOf(id cloud.PrincipalID) []cloud.PrincipalID {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.Sorted(slices.Values(d.people.groups.above[lowered(id)]))
}

// WithinGroups gives the groups that a principal or group is in at any remove, by id; itself it is not,
// even where groups contain each other.
func (d *Directory) WithinGroups(id cloud.PrincipalID) []cloud.PrincipalID {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	return d.people.groups.over(lowered(id))
}

// MembersBelow gives the principals and groups that are in a group at any remove and exist, by id.
func (d *Directory) MembersBelow(id cloud.PrincipalID) []cloud.PrincipalID {
	d.open()
	d.mu.RLock()
	defer d.mu.RUnlock()
	return slices.DeleteFunc(d.people.groups.under(lowered(id)), func(m cloud.PrincipalID) bool { return !d.people.exists(m) })
}

// Holder finds whom roles can be granted to: a principal, or a group as one. A group has no client id.
func (d *Directory) Holder(id cloud.PrincipalID) (cloud.Principal, bool) {
	if p, ok := d.Principal(id); ok {
		return p, true
	}
	g, ok := d.Group(id)
	return cloud.Principal{ID: g.ID, Tenant: d.Tenant, Kind: cloud.Group, Name: g.Name, Created: g.Created}, ok
}

// groups are the groups, and who is in them.
type groups struct {
	byID map[cloud.PrincipalID]Group
	// above gives the groups that list somebody as a member, in no order.
	above map[cloud.PrincipalID][]cloud.PrincipalID
}

func newGroups() *groups {
	return &groups{byID: map[cloud.PrincipalID]Group{}, above: map[cloud.PrincipalID][]cloud.PrincipalID{}}
}

// set takes in a change of one group. One that cannot be read leaves what was known.
func (g *groups) set(id cloud.PrincipalID, e store.Event) error {
	if e.Value == nil {
		g.forget(id)
		return nil
	}
	known, err := readGroup(e)
	if err != nil {
		return err
	}
	g.forget(id)
	g.byID[id] = known
	for _, m := range known.Members {
		g.above[m] = append(g.above[m], id)
	}
	return nil
}

func (g *groups) forget(id cloud.PrincipalID) {
	for _, m := range g.byID[id].Members {
		// A slice of its own: readers may hold the one before.
		rest := slices.DeleteFunc(slices.Clone(g.above[m]), func(other cloud.PrincipalID) bool { return other == id })
		if g.above[m] = rest; len(rest) == 0 {
			delete(g.above, m)
		}
	}
	delete(g.byID, id)
}

func readGroup(e store.Event) (Group, error) {
	var g Group
	if err := json.Unmarshal(e.Value, &g); err != nil {
		return g, fmt.Errorf("decode group: %w", err)
	}
	switch {
	case g.ID != lowered(g.ID) || GroupKey(g.ID) != e.Key:
		return g, fmt.Errorf("decode group: it calls itself %q", g.ID)
	case g.Name == "":
		return g, errors.New("decode group: it has no name")
	case len(g.Members) > MaxMembers || len(g.Owners) > MaxMembers:
		return g, fmt.Errorf("decode group: it has %d members and %d owners, %d at most", len(g.Members), len(g.Owners), MaxMembers)
	}
	for _, list := range []*[]cloud.PrincipalID{&g.Members, &g.Owners} {
		for i, p := range *list {
			(*list)[i] = lowered(p)
		}
		slices.Sort(*list)
		*list = slices.Compact(*list)
	}
	return g, nil
}

// over gives the groups that somebody is in at any remove, by id. What was seen is not looked at again,
// so that groups which contain each other end it like others (T21).
func (g *groups) over(id cloud.PrincipalID) []cloud.PrincipalID {
	return closure(id, func(p cloud.PrincipalID) []cloud.PrincipalID { return g.above[p] })
}

// under gives who is in a group at any remove, by id.
func (g *groups) under(id cloud.PrincipalID) []cloud.PrincipalID {
	return closure(id, func(p cloud.PrincipalID) []cloud.PrincipalID { return g.byID[p].Members })
}

// closure gives what can be reached from a start by one step or more, but for the start itself.
func closure(start cloud.PrincipalID, step func(cloud.PrincipalID) []cloud.PrincipalID) []cloud.PrincipalID {
	seen := map[cloud.PrincipalID]bool{start: true}
	var found []cloud.PrincipalID
	for at := -1; at < len(found); at++ {
		from := start
		if at >= 0 {
			from = found[at]
		}
		for _, next := range step(from) {
			if !seen[next] {
				seen[next] = true
				found = append(found, next)
			}
		}
	}
	slices.Sort(found)
	return found
}

// names reports whether a group has, lists or belongs to an id.
func (g *groups) names(id cloud.PrincipalID) bool {
	if _, is := g.byID[id]; is || len(g.above[id]) > 0 {
		return true
	}
	for _, group := range g.byID {
		if slices.Contains(group.Owners, id) {
			return true
		}
	}
	return false
}
