package guard

import (
	"fmt"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/rbac"
)

// maxEvidence is how many near misses and denials a refusal spells out.
const maxEvidence = 5

// Refusal is why a known caller may not do something.
type Refusal struct {
	Caller   cloud.Caller
	Name     string // the caller's, as the directory has it
	Action   string
	Data     bool
	Scope    cloud.ID
	Decision rbac.Decision
	Role     cloud.Role // the least role that would allow it; zero when none is known
}

// Error says who may not do what, where.
func (r *Refusal) Error() string {
	return fmt.Sprintf("guard: %s (%s) may not %s at %s", r.Name, r.Caller.Principal, r.Action, r.Scope)
}

// fault spells the refusal as the management API does (wire-facts: "Errors"), with the evidence
// behind Azure's own sentence.
func (r *Refusal) fault() *fault.Error {
	who := string(r.Caller.Client)
	if r.Caller.SignIn != "" {
		who = r.Caller.SignIn
	}
	f := fault.New(fault.Forbidden, "AuthorizationFailed",
		"The client '%s' with object id '%s' does not have authorization to perform action '%s' over scope '%s' or the scope is invalid. "+
			"If access was recently granted, please refresh your credentials. %s",
		who, r.Caller.Principal, r.Action, r.Scope, strings.Join(r.Evidence(), " "))
	f.Hint = r.Cure()
	return f.Because(r)
}

// Cure gives the command that mends it: granting the least role or, where no grant can help, what
// shows why. It can be pasted into a shell whatever names hold.
func (r *Refusal) Cure() string {
	if r.Role.Name == "" || len(r.Decision.Denied) > 0 {
		return fmt.Sprintf("lanyard explain --assignee %s --action %s --scope %s",
			quote(string(r.Caller.Principal)), quote(r.Action), quote(r.Scope.String()))
	}
	return fmt.Sprintf("lanyard role assignment create --assignee %s --role '%s' --scope %s",
		quote(string(r.Caller.Principal)), strings.ReplaceAll(r.Role.Name, "'", `'\''`), quote(r.Scope.String()))
}

// Evidence says in sentences what was near: who called, what denies it, and what each grant lacks.
func (r *Refusal) Evidence() []string {
	who := fmt.Sprintf("%s (%s)", r.Name, r.Caller.Principal)
	var said []string
	for _, d := range r.Decision.Denied {
		said = append(said, fmt.Sprintf("The deny assignment '%s' at %s refuses it to %s.", d.Name, d.Scope, who))
	}
	for _, m := range r.Decision.Near {
		by := ""
		if m.Assignment.Principal != r.Caller.Principal {
			by = fmt.Sprintf(" by the group %s", m.Assignment.Principal)
		}
		said = append(said, fmt.Sprintf("%s has the role '%s' at %s%s, but %s.", who, m.Role, m.Assignment.Scope, by, m.Why))
	}
	if len(said) == 0 {
		return []string{who + " has no role that comes near."}
	}
	if more := len(said) - maxEvidence; more > 0 {
		said = append(said[:maxEvidence], fmt.Sprintf("%d more come less near.", more))
	}
	return said
}

// quote makes s one word of a shell.
func quote(s string) string {
	plain := func(r rune) bool {
		return r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("/-._:@,+", r)
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
