package platform

import (
	"net/http"
	"slices"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
	"lanyard/internal/rbac"
)

func (p *Platform) explain(w http.ResponseWriter, r *http.Request) error {
	var q struct {
		Principal cloud.PrincipalID `json:"principal"`
		Action    string            `json:"action"`
		Data      bool              `json:"data"`
		Scope     string            `json:"scope"`
	}
	if err := readOrder(r, &q); err != nil {
		return err
	}
	at, err := cloud.ParseID(q.Scope)
	if err != nil {
		return fault.New(fault.Invalid, "InvalidScope", "The scope cannot be read: %v.", err)
	}
	req := rbac.Request{Principal: q.Principal, Action: q.Action, Data: q.Data, At: at}
	return httpkit.WriteJSON(w, http.StatusOK, p.answer(req, p.directory.Explain(req)))
}

// answer is what `lanyard explain` prints of a decision.
type answer struct {
	Allowed   bool               `json:"allowed"`
	Principal cloud.PrincipalID  `json:"principal"`
	Action    string             `json:"action"`
	Data      bool               `json:"dataAction"`
	Scope     cloud.ID           `json:"scope"`
	By        []cloud.Assignment `json:"by"`
	Denied    []cloud.Denial     `json:"denied"`
	Near      []near             `json:"near"`
	// Groups names the groups that stand for the principal in assignments above, by their ids.
	Groups map[cloud.PrincipalID]string `json:"groups,omitempty"`
	Try    string                       `json:"try,omitempty"`
}

type near struct {
	Assignment cloud.Assignment `json:"assignment"`
	Role       string           `json:"role"`
	Why        string           `json:"why"`
}

func (p *Platform) answer(req rbac.Request, d rbac.Decision) answer {
	a := answer{Allowed: d.Allowed, Principal: req.Principal, Action: req.Action, Data: req.Data, Scope: req.At, By: d.By, Denied: d.Denied}
	held := slices.Clone(d.By)
	for _, m := range d.Near {
		a.Near = append(a.Near, near{m.Assignment, m.Role, m.Why.String()})
		held = append(held, m.Assignment)
	}
	for _, each := range held {
		if g, ok := p.directory.Group(each.Principal); ok {
			if a.Groups == nil {
				a.Groups = map[cloud.PrincipalID]string{}
			}
			a.Groups[g.ID] = g.Name
		}
	}
	if role, ok := p.directory.Suggest(req.Action, req.Data); ok && !d.Allowed && len(d.Denied) == 0 {
		a.Try = "lanyard role assignment create --assignee " + string(req.Principal) + " --role '" + role.Name + "' --scope " + req.At.String()
	}
	return a
}
