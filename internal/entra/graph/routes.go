package graph

import (
	"net/http"
	"path"
	"regexp"
	"slices"
	"strings"

	"lanyard/internal/fault"
	"lanyard/internal/httpkit"
)

const (
	version = "/v1.0"
	maxBody = 256 << 10 // bytes: a thousand ids, or an application with all its certificates
)

// route is a line of the list below.
type route struct {
	pattern string
	handler handler
}

// memberships are the routes that everybody has who can be in groups.
func (d *Door) memberships() []route {
	var all []route
	for _, who := range []string{"/me", "/users/{id}", "/serviceprincipals/{id}", "/groups/{id}", "/directoryobjects/{id}"} {
		all = append(all,
			route{"GET " + who + "/memberof", d.listMemberOf},
			route{"GET " + who + "/memberof/{cast}", d.listMemberOf},
			route{"GET " + who + "/transitivememberof", d.listWithin},
			route{"GET " + who + "/transitivememberof/{cast}", d.listWithin},
			route{"POST " + who + "/getmembergroups", d.memberGroups},
			route{"POST " + who + "/getmemberobjects", d.memberGroups},
			route{"POST " + who + "/checkmembergroups", d.checkGroups},
			route{"POST " + who + "/checkmemberobjects", d.checkGroups},
		)
	}
	return all
}

// appRoleRoutes are the routes of the assignments of app roles, by who has them and by where they hold.
func (d *Door) appRoleRoutes() []route {
	all := []route{{"GET /me/approleassignments", d.listAssignments}}
	for _, at := range []string{
		"/users/{id}/approleassignments", "/groups/{id}/approleassignments", "/serviceprincipals/{id}/approleassignments",
		"/serviceprincipals/{id}/approleassignedto",
	} {
		all = append(all,
			route{"GET " + at, d.listAssignments},
			route{"POST " + at, d.assign},
			route{"GET " + at + "/{assignment}", d.showAssignment},
			route{"DELETE " + at + "/{assignment}", d.unassign},
		)
	}
	return all
}

// federatedRoutes are those of applications' federated credentials, whose key is an id or a name.
func (d *Door) federatedRoutes() []route {
	const all = "/applications/{id}/federatedidentitycredentials"
	return []route{
		{"GET " + all, d.listFederated},
		{"POST " + all, d.addFederated},
		{"GET " + all + "/{credential}", d.showFederated},
		{"PATCH " + all + "/{credential}", d.updateFederated},
		{"DELETE " + all + "/{credential}", d.removeFederated},
	}
}

// Handler answers for the directory host. Mount it by host name, not under a ServeMux pattern: a mux
// redirects unclean paths, which are refused here. Microsoft Graph reads paths without regard to
// case, so all of this list is in lower case; {id} also stands for a key in parentheses.
func (d *Door) Handler() http.Handler {
	door := httpkit.Door{Name: "graph", Speak: d.Speak, Log: d.Log, Now: d.Now, MaxBody: maxBody}
	routes := http.NewServeMux()
	for _, route := range slices.Concat(d.memberships(), d.appRoleRoutes(), d.federatedRoutes(), []route{
		{"GET /applications", d.listApplications},
		{"POST /applications", d.createApplication},
		{"GET /applications/{id}", d.showApplication},
		{"PATCH /applications/{id}", d.updateApplication},
		{"DELETE /applications/{id}", d.deleteApplication},
		{"POST /applications/{id}/addpassword", d.addApplicationPassword},
		{"POST /applications/{id}/removepassword", d.removeApplicationPassword},
		{"GET /applications/{id}/owners", d.listOwners},
		{"POST /applications/{id}/owners/$ref", d.addOwner},
		{"DELETE /applications/{id}/owners/{owner}/$ref", d.removeOwner},

		{"GET /serviceprincipals", d.listPrincipals},
		{"POST /serviceprincipals", d.createPrincipal},
		{"GET /serviceprincipals/{id}", d.showPrincipal},
		{"PATCH /serviceprincipals/{id}", d.updatePrincipal},
		{"DELETE /serviceprincipals/{id}", d.deletePrincipal},
		{"POST /serviceprincipals/{id}/addpassword", d.addPrincipalPassword},
		{"POST /serviceprincipals/{id}/removepassword", d.removePrincipalPassword},
		{"GET /serviceprincipals/{id}/owners", d.listPrincipalOwners},

		{"GET /me", d.showMe},
		{"GET /me/ownedobjects", d.listOwned},
		{"POST /me/revokesigninsessions", d.revokeMine},
		{"GET /users", d.listPeople},
		{"GET /users/{id}", d.showPerson},
		{"POST /users/{id}/revokesigninsessions", d.revokePersons},

		{"GET /groups", d.listGroups},
		{"POST /groups", d.createGroup},
		{"GET /groups/{id}", d.showGroup},
		{"PATCH /groups/{id}", d.updateGroup},
		{"DELETE /groups/{id}", d.deleteGroup},
		{"GET /groups/{id}/members", d.listMembers},
		{"GET /groups/{id}/members/{cast}", d.listMembers},
		{"GET /groups/{id}/transitivemembers", d.listMembersBelow},
		{"GET /groups/{id}/transitivemembers/{cast}", d.listMembersBelow},
		{"POST /groups/{id}/members/$ref", d.addMember},
		{"DELETE /groups/{id}/members/{member}/$ref", d.removeMember},
		{"GET /groups/{id}/owners", d.listGroupOwners},
		{"GET /groups/{id}/owners/{cast}", d.listGroupOwners},
		{"POST /groups/{id}/owners/$ref", d.addGroupOwner},
		{"DELETE /groups/{id}/owners/{owner}/$ref", d.removeGroupOwner},

		{"GET /directoryobjects/{id}", d.showObject},
		{"POST /directoryobjects/getbyids", d.getByIDs},
		{"GET /oauth2permissiongrants", d.listConsents},

		{"POST /users", notOffered("making people: a world has the one person it began with")},
		{"PATCH /users/{id}", notOffered("changing people")},
		{"DELETE /users/{id}", notOffered("deleting people")},
		{"POST /serviceprincipals/{id}/owners/$ref", notOffered("owners of a service principal apart from its application's")},
		{"POST /applications/{id}/addkey", notOffered("addKey with a proof of possession: PATCH keyCredentials instead")},
		{"POST /applications/{id}/removekey", notOffered("removeKey with a proof of possession: PATCH keyCredentials instead")},
		{"POST /oauth2permissiongrants", notOffered("consent: oauth2PermissionGrants cannot be made")},
		{"/oauth2permissiongrants", notOffered("consent: there are no oauth2PermissionGrants")},
		{"/oauth2permissiongrants/{rest...}", notOffered("consent: there are no oauth2PermissionGrants")},
		{"PATCH /serviceprincipals/{id}/approleassignedto/{assignment}", notOffered("changing app role assignments: delete and make them")},
		{"/directory/deleteditems", notOffered("restoring deleted objects: what is deleted is gone at once")},
		{"/directory/deleteditems/{rest...}", notOffered("restoring deleted objects: what is deleted is gone at once")},
		{"/$batch", notOffered("batches of requests")},
		{"GET /applications/$count", notOffered("$count as a path; ask for $count=true with ConsistencyLevel: eventual")},
		{"GET /serviceprincipals/$count", notOffered("$count as a path; ask for $count=true with ConsistencyLevel: eventual")},
		{"", elsewhere}, // beside the next line, or the mux redirects to it; so for all that end in {rest...}
		{"/", elsewhere},
	}) {
		method, below, ok := strings.Cut(route.pattern, " ")
		if !ok {
			method, below = "", route.pattern
		}
		routes.Handle(strings.TrimSpace(method+" "+version+below), door.Serve(d.enter(route.handler)))
	}
	routes.Handle("/", door.Serve(otherVersion))
	return plain(routes, door.Serve(ambiguous))
}

// Routes mounts the door at everything a mux has no other handler for.
func (d *Door) Routes(mux *http.ServeMux) { mux.Handle("/", d.Handler()) }

// keyed finds a key in parentheses: /applications(appid='x')/owners.
var keyed = regexp.MustCompile(`^(/v1\.0/[a-z0-9]+)\(([^/()]+)\)(/|$)`)

// plain brings the spellings of a path that Microsoft Graph takes for one into the form of the
// routes. A slash that hides in an escape, and a path with empty segments or dots, could be read in
// two ways and go to odd.
func plain(next, odd http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.Contains(strings.ToLower(r.URL.RawPath), "%2f") || !isClean(r.URL.Path) {
			odd.ServeHTTP(w, r)
			return
		}
		at := *r.URL
		at.Path = keyed.ReplaceAllString(strings.ToLower(r.URL.Path), "$1/$2$3")
		at.Path = keyedFederated.ReplaceAllString(at.Path, "$1/$2")
		at.RawPath = ""
		tidy := *r
		tidy.URL = &at
		next.ServeHTTP(w, &tidy)
	})
}

// isClean reports whether a path has neither empty segments nor dots; it may end in a slash.
func isClean(at string) bool {
	clean := path.Clean(at)
	return at == clean || at == clean+"/" && clean != "/"
}

func ambiguous(http.ResponseWriter, *http.Request) error {
	return fault.New(fault.Invalid, "BadRequest", "The path holds an escaped slash, or segments that are empty or dots.")
}

func otherVersion(_ http.ResponseWriter, r *http.Request) error {
	return fault.New(fault.Invalid, "BadRequest", "Lanyard offers Microsoft Graph v1.0, and nothing at %s.", fault.Clip(r.URL.Path))
}

func elsewhere(_ http.ResponseWriter, c *call) error {
	return fault.New(fault.Invalid, "BadRequest", "Resource not found for the segment '%s', or it does not take %s here.",
		fault.Clip(c.segment()), c.r.Method)
}

func notOffered(what string) handler {
	return func(http.ResponseWriter, *call) error {
		return fault.New(fault.NotOffered, "NotImplemented", "Lanyard does not offer %s.", what)
	}
}
