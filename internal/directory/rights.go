package directory

import (
	"cmp"
	"log/slog"
	"maps"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
	"lanyard/internal/rbac"
	"lanyard/internal/rbac/builtin"
	"lanyard/internal/store"
)

// rights are the role definitions, role assignments and deny assignments, and what follows from
// them for each principal. Assignments of principals that are gone stay: they are shown as orphans,
// and keep their principal's id from being drawn again.
type rights struct {
	assignments map[string]cloud.Assignment      // by document key
	keys        map[cloud.PrincipalID][]string   // of each principal's assignments
	custom      map[string]map[string]cloud.Role // by GUID and document key
	denials     map[string]cloud.Denial          // by document key

	rules    map[string]*rbac.Rules // by GUID, compiled when first granted
	grants   map[cloud.PrincipalID][]rbac.Grant
	denied   map[cloud.PrincipalID][]rbac.Denial // for those whom a denial names, with those for all
	everyone []rbac.Denial                       // for all others
	bound    map[string]rbac.Denial              // by document key
}

func newRights() *rights {
	return &rights{
		assignments: map[string]cloud.Assignment{},
		keys:        map[cloud.PrincipalID][]string{},
		custom:      map[string]map[string]cloud.Role{},
		denials:     map[string]cloud.Denial{},
		rules:       map[string]*rbac.Rules{},
		grants:      map[cloud.PrincipalID][]rbac.Grant{},
		denied:      map[cloud.PrincipalID][]rbac.Denial{},
	}
}

// touched is what one batch makes necessary to work out anew.
type touched struct {
	principals map[cloud.PrincipalID]bool
	roles      map[string]bool
	denials    bool
}

// apply takes in changes. A document that cannot be read leaves what its key stood for before.
func (r *rights) apply(events []store.Event, log *slog.Logger) {
	t := touched{principals: map[cloud.PrincipalID]bool{}, roles: map[string]bool{}}
	for _, e := range events {
		if !strings.Contains(e.Key, authorization) {
			continue
		}
		id, err := cloud.ParseID(strings.TrimPrefix(e.Key, cloud.KeysARM))
		switch {
		case err != nil:
		case id.Is(assignmentType):
			err = r.setAssignment(e, &t)
		case id.Is(definitionType):
			err = r.setRole(id, e, &t)
		case id.Is(denialType):
			err = r.setDenial(id, e, &t)
		}
		if err != nil {
			log.Error("document cannot be read", httpkit.KeyDocument, e.Key, httpkit.KeyError, err)
		}
	}
	r.workOut(t)
}

func (r *rights) setAssignment(e store.Event, t *touched) error {
	var after cloud.Assignment
	if e.Value != nil {
		var err error
		if after, err = readAssignment(e); err != nil {
			return err
		}
	}
	if before, ok := r.assignments[e.Key]; ok {
		t.principals[before.Principal] = true
		kept := slices.DeleteFunc(r.keys[before.Principal], func(k string) bool { return k == e.Key })
		r.keys[before.Principal] = kept
		delete(r.assignments, e.Key)
	}
	if e.Value != nil {
		t.principals[after.Principal] = true
		r.keys[after.Principal] = append(r.keys[after.Principal], e.Key)
		r.assignments[e.Key] = after
	}
	return nil
}

func (r *rights) setRole(id cloud.ID, e store.Event, t *touched) error {
	guid := id.Name() // from the key, so in lower case
	if e.Value == nil {
		if delete(r.custom[guid], e.Key); len(r.custom[guid]) == 0 {
			delete(r.custom, guid)
		}
		t.roles[guid] = true
		return nil
	}
	role, err := readRole(e)
	if err != nil {
		return err
	}
	if r.custom[guid] == nil {
		r.custom[guid] = map[string]cloud.Role{}
	}
	r.custom[guid][e.Key] = role
	t.roles[guid] = true
	return nil
}

func (r *rights) setDenial(id cloud.ID, e store.Event, t *touched) error {
	t.denials = true
	if e.Value == nil {
		delete(r.denials, e.Key)
		return nil
	}
	d, err := readDenial(e)
	if err == nil {
		r.denials[e.Key] = d
	} else if _, known := r.denials[e.Key]; !known {
		r.denials[e.Key] = unreadable(id)
	}
	return err
}

// workOut binds anew what has changed. A changed role is rare, so its holders are searched for.
func (r *rights) workOut(t touched) {
	for guid := range t.roles {
		delete(r.rules, guid)
	}
	if len(t.roles) > 0 {
		for _, a := range r.assignments {
			if t.roles[a.Role] {
				t.principals[a.Principal] = true
			}
		}
	}
	for p := range t.principals {
		r.bind(p)
	}
	if t.denials {
		r.bindDenials()
	}
}

func (r *rights) bind(p cloud.PrincipalID) {
	keys := r.keys[p]
	if len(keys) == 0 {
		delete(r.keys, p)
		delete(r.grants, p)
		return
	}
	// Grants of one role stand together, for rbac.Decide judges such a group once.
	slices.SortFunc(keys, func(a, b string) int {
		return cmp.Or(cmp.Compare(r.assignments[a].Role, r.assignments[b].Role), cmp.Compare(a, b))
	})
	grants := make([]rbac.Grant, 0, len(keys))
	for _, key := range keys {
		a := r.assignments[key]
		if rules := r.rulesOf(a.Role); rules != nil {
			grants = append(grants, rules.Bind(a))
		}
	}
	r.grants[p] = grants
}

// rulesOf gives a role's compiled rules; nil when there is no such role, and then nothing is granted.
func (r *rights) rulesOf(guid string) *rbac.Rules {
	if rules, ok := r.rules[guid]; ok {
		return rules
	}
	role, ok := r.role(guid)
	if !ok {
		return nil
	}
	r.rules[guid] = rbac.Compile(role)
	return r.rules[guid]
}

// role finds a definition. No custom role hides a built-in one; of two custom roles under one GUID
// the first by key counts.
func (r *rights) role(guid string) (cloud.Role, bool) {
	guid = strings.ToLower(guid)
	if role, ok := builtin.ByID(guid); ok {
		return role, true
	}
	for _, key := range slices.Sorted(maps.Keys(r.custom[guid])) {
		return r.custom[guid][key], true
	}
	return cloud.Role{}, false
}

func (r *rights) roles() []cloud.Role {
	var custom []cloud.Role
	for guid := range r.custom {
		if role, ok := r.role(guid); ok && role.Custom {
			custom = append(custom, role)
		}
	}
	slices.SortFunc(custom, func(a, b cloud.Role) int {
		return cmp.Or(cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID.Key(), b.ID.Key()))
	})
	return slices.Concat(builtin.Roles(), custom)
}

func (r *rights) bindDenials() {
	r.everyone, r.denied, r.bound = nil, map[cloud.PrincipalID][]rbac.Denial{}, map[string]rbac.Denial{}
	for _, key := range slices.Sorted(maps.Keys(r.denials)) {
		d, bound := r.denials[key], rbac.BindDenial(r.denials[key])
		r.bound[key] = bound
		if slices.Contains(d.Principals, cloud.AllPrincipals) {
			r.everyone = append(r.everyone, bound)
			continue
		}
		for _, p := range d.Principals {
			r.denied[p] = append(r.denied[p], bound)
		}
	}
	for p := range r.denied {
		r.denied[p] = append(r.denied[p], r.everyone...)
	}
}

func (r *rights) denialsFor(p cloud.PrincipalID) []rbac.Denial {
	if own, ok := r.denied[p]; ok {
		return own
	}
	return r.everyone
}

// denialsForAny gives the denials that name one of several ids, or everyone, each once.
func (r *rights) denialsForAny(who []cloud.PrincipalID) []rbac.Denial {
	var all []rbac.Denial
	for _, key := range slices.Sorted(maps.Keys(r.denials)) {
		if slices.ContainsFunc(r.denials[key].Principals, func(p cloud.PrincipalID) bool {
			return p == cloud.AllPrincipals || slices.Contains(who, p)
		}) {
			all = append(all, r.bound[key])
		}
	}
	return all
}
