package rbac

import (
	"slices"

	"lanyard/internal/cloud"
)

// Grant is an assignment bound to its role. The zero Grant grants nothing.
type Grant struct {
	scope cloud.ID
	end   int // length of the scope's key
	rules *Rules
	by    []cloud.Assignment // the assignment alone, ready to be a Decision's evidence
	idle  bool               // the role cannot be assigned at the scope, so that it grants nothing there
}

// Bind binds an assignment to its role. To bind one role many times, Compile it once and use
// Rules.Bind.
func Bind(a cloud.Assignment, role cloud.Role) Grant { return Compile(role).Bind(a) }

// Bind binds an assignment to these rules; that they are its role's is the caller's to see to. An
// assignment at a scope that none of a custom role's assignable scopes holds grants nothing: who
// may write the role has no say there.
func (r *Rules) Bind(a cloud.Assignment) Grant {
	return Grant{scope: a.Scope, end: len(a.Scope.Key()), rules: r, by: []cloud.Assignment{a}, idle: !r.assignable(a.Scope)}
}

// Assignment gives what was bound.
func (g Grant) Assignment() cloud.Assignment {
	if len(g.by) == 0 {
		return cloud.Assignment{}
	}
	return g.by[0]
}

// mayReach reports whether the scope could be at or hold it: whether it is the root, as long as it, or
// ends at one of its slashes. It tells most strangers apart without looking at their text.
func (g *Grant) mayReach(at string) bool {
	return g.end <= 1 || g.end == len(at) || g.end < len(at) && at[g.end] == '/'
}

// isFor reports whether the grant is the asker's or one of its groups', and under no condition.
func (g *Grant) isFor(r *Request) bool {
	return g.by[0].Condition == "" && r.speaksOf(g.by[0].Principal)
}

// miss says what the grant lacks: 0 for nothing, and false when it is not even near.
func (g *Grant) miss(r *Request, action []byte) (Why, bool) {
	if g.rules == nil || !r.speaksOf(g.by[0].Principal) {
		return 0, false
	}
	asked, other := g.rules.plane(r.Data)
	v := asked.judge(action)
	if v == allowed && g.by[0].Condition != "" {
		v = conditioned
	}
	if !reaches(g.scope, r) {
		return WrongScope, v == allowed
	}
	switch {
	case v == allowed && g.idle:
		return Unassignable, true
	case v == allowed:
		return 0, true
	case v == conditioned:
		return Conditioned, true
	case v == subtracted:
		return Subtracted, true
	case len(asked) == 0 || other.judge(action) == allowed:
		return WrongPlane, true
	}
	return WrongAction, true
}

// reaches reports whether what is said at scope is said of the request's place: it reaches down,
// never sideways (AC-2).
func reaches(scope cloud.ID, r *Request) bool {
	if scope.Contains(r.At) {
		return true
	}
	for _, above := range r.Above {
		if scope.Contains(above) {
			return true
		}
	}
	return false
}

// Denial is a deny assignment, prepared. The zero Denial denies nothing.
type Denial struct {
	denial        cloud.Denial
	control, data plane
}

// BindDenial prepares a deny assignment. A condition in it is taken to hold: what cannot be judged
// is refused (T28).
func BindDenial(d cloud.Denial) Denial {
	control, data := planes(d.Permissions)
	for _, p := range []plane{control, data} {
		for i := range p {
			p[i].conditioned = false
		}
	}
	return Denial{denial: d, control: control, data: data}
}

func (d *Denial) applies(r *Request, action []byte) bool {
	if d.denial.OnlyHere && !d.denial.Scope.Equal(r.At) || !reaches(d.denial.Scope, r) || !d.names(r) {
		return false
	}
	p := d.control
	if r.Data {
		p = d.data
	}
	return p.judge(action) == allowed
}

func (d *Denial) names(r *Request) bool {
	if slices.ContainsFunc(d.denial.Excluded, r.speaksOf) {
		return false
	}
	return slices.Contains(d.denial.Principals, cloud.AllPrincipals) || slices.ContainsFunc(d.denial.Principals, r.speaksOf)
}
