package graph

import (
	"net/http"
	"slices"
	"strings"

	"lanyard/internal/cloud"
	"lanyard/internal/directory"
	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

// Who may do what. Lanyard has no directory roles, so that roles at the root scope stand for them:
//
//   - administering is the right of a Global Administrator in Azure to take any role in the tenant.
//     Contributor lacks it, and must: who may add a secret to the owner's application is the owner.
//   - reading the directory takes any role at "/" that reads, Reader at the least. People read
//     without one, as Entra's members do; applications do not, as in Entra without a permission.
//   - owners of an application administer that application, and every principal reads itself.
const (
	administering = "Microsoft.Authorization/elevateAccess/action"
	reading       = "Microsoft.Directory/directoryObjects/read"
	// asUser is the scope of tokens that let an app do in the directory whatever the person may who
	// signed in to it (Microsoft Graph v1.0, "Permissions reference").
	asUser = "Directory.AccessAsUser.All"
)

// call is one request by a verified caller.
type call struct {
	r      *http.Request
	caller cloud.Principal
	token  cloud.Caller
	query  query
}

// handler answers a call.
type handler func(w http.ResponseWriter, c *call) error

// enter makes a handler out of what follows once the caller is verified and the query is read.
func (d *Door) enter(next handler) httpkit.Handler {
	return func(w http.ResponseWriter, r *http.Request) error {
		token, err := d.Identify(r)
		if err != nil {
			return err
		}
		caller, ok := d.Directory.Principal(token.Principal)
		if !ok {
			return fault.New(fault.Unauthenticated, "InvalidAuthenticationToken", "The token's principal is not in the directory.")
		}
		if caller.Kind == cloud.User && !slices.Contains(token.Scopes, asUser) {
			return denied("The app was not given the scope " + asUser + ".")
		}
		q, err := readQuery(r)
		if err != nil {
			return err
		}
		return next(w, &call{r: r, caller: caller, token: token, query: q})
	}
}

// segment is the first of the path below the version.
func (c *call) segment() string {
	first, _, _ := strings.Cut(strings.TrimPrefix(c.r.URL.Path, version+"/"), "/")
	return first
}

// mayRead lets those in who may read the whole directory.
func (d *Door) mayRead(c *call) error {
	if c.caller.Kind == cloud.User {
		return nil
	}
	return d.permit(c, reading, "Reader")
}

// mayReadOne lets those in who may read this application and its principal, either of which may be nil.
func (d *Door) mayReadOne(c *call, a *directory.Application, p *cloud.Principal) error {
	if p != nil && p.ID == c.caller.ID || a != nil && (a.Principal == c.caller.ID || owns(c.caller, a)) {
		return nil
	}
	return d.mayRead(c)
}

// mayAdminister lets those in who may change anything in the directory.
func (d *Door) mayAdminister(c *call) error { return d.permit(c, administering, "Owner") }

// mayChange lets those in who may change this application and its principal.
func (d *Door) mayChange(c *call, a *directory.Application) error {
	if a != nil && owns(c.caller, a) {
		return nil
	}
	return d.mayAdminister(c)
}

func owns(who cloud.Principal, a *directory.Application) bool {
	return slices.Contains(a.Owners, who.ID)
}

func (d *Door) permit(c *call, action, role string) error {
	err := d.Permit(c.r.Context(), c.token, action, cloud.Root)
	if err == nil || !fault.Is(err, fault.Forbidden) {
		return err
	}
	return denied("").Because(err).Try("lanyard role assignment create --assignee %s --role %s --scope /", c.caller.ID, role)
}

// denied is a refusal in the words that az looks for, with a reason of our own behind them.
func denied(reason string) *fault.Error {
	sentence := "Insufficient privileges to complete the operation."
	if reason != "" {
		sentence += " " + reason
	}
	return fault.New(fault.Forbidden, "Authorization_RequestDenied", "%s", sentence)
}
