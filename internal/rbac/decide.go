package rbac

import (
	"cmp"
	"slices"

	"lanyard/internal/cloud"
)

// Decide answers a request from the principal's grants, those of its groups, a slice for each, and the
// denials that may concern them. The rule is Azure's: a denial that applies refuses; else one grant that
// reaches the scope and has the action allows; else it is refused. It is total: what cannot be judged is
// refused (T28).
//
// An allowed request costs no allocation, and By names one grant; a refused one is explained in
// full, as by Explain.
func Decide(r Request, grants []Grant, denials []Denial, through ...[]Grant) Decision {
	var buf [256]byte
	action, ok := fold(buf[:0], r.Action)
	if !ok || r.At.IsZero() {
		return Decision{}
	}
	for i := range denials {
		if denials[i].applies(&r, action) {
			return Explain(r, grants, denials, through...)
		}
	}
	if by := first(grants, &r, action); by != nil {
		return Decision{Allowed: true, By: by}
	}
	for _, some := range through {
		if by := first(some, &r, action); by != nil {
			return Decision{Allowed: true, By: by}
		}
	}
	return Explain(r, grants, denials, through...)
}

// first gives the first grant that allows the action, nil when none does.
func first(grants []Grant, r *Request, action []byte) []cloud.Assignment {
	at, below := r.At.Key(), len(r.Above) > 0
	var judged *Rules // grants that share a role and stand together are judged once
	var says verdict
	for i := range grants {
		g := &grants[i]
		if g.rules == nil || g.idle || g.rules == judged && says != allowed || !below && !g.mayReach(at) || !reaches(g.scope, r) {
			continue
		}
		if g.rules != judged {
			asked, _ := g.rules.plane(r.Data)
			judged, says = g.rules, asked.judge(action)
		}
		if says == allowed && g.isFor(r) {
			return g.by[:1:1]
		}
	}
	return nil
}

// Explain answers as Decide does, with all the evidence there is.
func Explain(r Request, grants []Grant, denials []Denial, through ...[]Grant) Decision {
	action, ok := fold(nil, r.Action)
	if !ok || r.At.IsZero() {
		return Decision{}
	}
	var d Decision
	for i := range denials {
		if denials[i].applies(&r, action) {
			d.Denied = append(d.Denied, denials[i].denial)
		}
	}
	near := d.weigh(grants, &r, action)
	for _, some := range through {
		near = append(near, d.weigh(some, &r, action)...)
	}
	d.Allowed = len(d.By) > 0 && len(d.Denied) == 0
	if !d.Allowed {
		slices.SortStableFunc(near, func(a, b Miss) int {
			return cmp.Or(cmp.Compare(a.Why, b.Why), cmp.Compare(a.Assignment.ID.Key(), b.Assignment.ID.Key()))
		})
		d.Near = near
	}
	return d
}

// weigh adds to By the grants that allow the action, and gives those that almost do.
func (d *Decision) weigh(grants []Grant, r *Request, action []byte) (near []Miss) {
	for i := range grants {
		switch why, isNear := grants[i].miss(r, action); {
		case !isNear:
		case why == 0:
			d.By = append(d.By, grants[i].by[0])
		default:
			near = append(near, Miss{Assignment: grants[i].by[0], Role: grants[i].rules.name, Why: why})
		}
	}
	return near
}
