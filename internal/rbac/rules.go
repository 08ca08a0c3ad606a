package rbac

import (
	"slices"

	"lanyard/internal/cloud"
)

// Rules are a role's permissions, prepared for deciding. They do not change and may be shared by
// any number of grants.
type Rules struct {
	name          string
	control, data plane
	within        []cloud.ID // where it can be assigned; nil for a built-in role, which is everywhere
}

// plane is what a role says of one plane: an entry for each of its permissions.
type plane []entry

// entry is one permission in one plane. What it subtracts, it subtracts from itself only.
type entry struct {
	allow, except set
	conditioned   bool
}

// verdict is what a plane says of an action; of several entries the greatest counts.
type verdict int

const (
	silent verdict = iota
	subtracted
	conditioned
	allowed
)

// Compile prepares a role's permissions.
func Compile(role cloud.Role) *Rules {
	control, data := planes(role.Permissions)
	r := &Rules{name: role.Name, control: control, data: data}
	if role.Custom {
		r.within = append([]cloud.ID{}, role.Assignable...)
	}
	return r
}

// assignable reports whether the role can be assigned at a scope.
func (r *Rules) assignable(at cloud.ID) bool {
	return r.within == nil || slices.ContainsFunc(r.within, func(scope cloud.ID) bool { return scope.Contains(at) })
}

func planes(permissions []cloud.Permission) (control, data plane) {
	for _, p := range permissions {
		conditioned := p.Condition != ""
		control = control.with(entry{newSet(p.Actions), newSet(p.NotActions), conditioned})
		data = data.with(entry{newSet(p.DataActions), newSet(p.NotDataActions), conditioned})
	}
	return control, data
}

func (p plane) with(e entry) plane {
	if e.allow.isEmpty() {
		return p
	}
	return append(p, e)
}

func (p plane) judge(action []byte) verdict {
	best := silent
	for i := range p {
		e := &p[i]
		if !e.allow.match(action) {
			continue
		}
		switch {
		case e.except.match(action):
			best = max(best, subtracted)
		case e.conditioned:
			best = max(best, conditioned)
		default:
			return allowed
		}
	}
	return best
}

// plane gives the plane asked for, and the other one.
func (r *Rules) plane(data bool) (asked, other plane) {
	if data {
		return r.data, r.control
	}
	return r.control, r.data
}

// Allow reports whether the role, granted at a scope, allows an action there without condition.
func (r *Rules) Allow(action string, data bool) bool {
	var buf [256]byte
	folded, ok := fold(buf[:0], action)
	asked, _ := r.plane(data)
	return ok && asked.judge(folded) == allowed
}
