package arm

import (
	"encoding/json"
	"strings"
	"testing"

	"lanyard/internal/cloud"
)

func TestWhoHasNoTokenIsChallenged(t *testing.T) {
	w := newWorld(t)
	s := w.want(401, w.ask("GET", group, "", "Authorization", ""))
	if s.code() != "AuthenticationFailed" || !strings.Contains(s.header.Get("WWW-Authenticate"), `Bearer authorization_uri="https://login.microsoftonline.com/t"`) {
		t.Errorf("%s %v", s.text, s.header)
	}
	w.want(401, w.ask("GET", "/nonsense", "", "Authorization", ""))
}

// Whether something exists, or is well formed, is told only to who may ask.
func TestRightsComeBeforeExistence(t *testing.T) {
	cases := map[string]struct{ method, path, body, action, scope string }{
		"reading what exists":       {"GET", carts + "/a", "", "Toy.Shop/carts/read", carts + "/a"},
		"reading what does not":     {"GET", carts + "/none", "", "Toy.Shop/carts/read", carts + "/none"},
		"reading in no group":       {"GET", sub + "/resourceGroups/none/providers/Toy.Shop/carts/a", "", "Toy.Shop/carts/read", sub + "/resourceGroups/none/providers/Toy.Shop/carts/a"},
		"probing":                   {"GET", carts + "/none", "", "Toy.Shop/carts/read", carts + "/none"},
		"reading a group":           {"GET", group, "", "Microsoft.Resources/subscriptions/resourceGroups/read", group},
		"reading a subscription":    {"GET", sub, "", "Microsoft.Resources/subscriptions/read", sub},
		"writing":                   {"PUT", carts + "/a", "}", "Toy.Shop/carts/write", carts + "/a"},
		"patching what is not":      {"PATCH", carts + "/none", "{}", "Toy.Shop/carts/write", carts + "/none"},
		"deleting":                  {"DELETE", carts + "/a", "", "Toy.Shop/carts/delete", carts + "/a"},
		"deleting what is not":      {"DELETE", carts + "/none", "", "Toy.Shop/carts/delete", carts + "/none"},
		"an action":                 {"POST", carts + "/a/ring", "", "Toy.Shop/carts/ring/action", carts + "/a"},
		"an action on nothing":      {"POST", carts + "/none/ring", "", "Toy.Shop/carts/ring/action", carts + "/none"},
		"listing":                   {"GET", carts, "", "Toy.Shop/carts/read", group},
		"listing in no group":       {"GET", sub + "/resourceGroups/none/providers/Toy.Shop/carts", "", "Toy.Shop/carts/read", sub + "/resourceGroups/none"},
		"listing children":          {"GET", carts + "/a/wheels", "", "Toy.Shop/carts/wheels/read", carts + "/a"},
		"listing everything":        {"GET", sub + "/resources", "", "Microsoft.Resources/subscriptions/resources/read", sub},
		"listing providers":         {"GET", sub + "/providers", "", "Microsoft.Resources/subscriptions/providers/read", sub},
		"a role assignment's write": {"PUT", carts + "/a/providers/Microsoft.Authorization/roleAssignments/r", "{}", "Microsoft.Authorization/roleAssignments/write", carts + "/a/providers/Microsoft.Authorization/roleAssignments/r"},
	}
	w := newWorld(t)
	w.want(201, w.ask("PUT", carts+"/a", here))
	w.refuse(func(who cloud.Caller, _ string, _ cloud.ID) bool { return who.Principal == "clerk-oid" })
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := w.ask(c.method, c.path, c.body, "Authorization", "Bearer clerk")
			want := "The client 'clerk-app' with object id 'clerk-oid' does not have authorization to perform action '" + c.action +
				"' over scope '" + c.scope + "' or the scope is invalid. If access was recently granted, please refresh your credentials."
			if s.status != 403 || s.code() != "AuthorizationFailed" || s.at("error", "message") != want {
				t.Errorf("got %d %s, want %s", s.status, s.text, want)
			}
		})
	}
}

func TestTheHintOfARefusalStandsBesideItsMessage(t *testing.T) {
	w := newWorld(t)
	w.refuse(func(cloud.Caller, string, cloud.ID) bool { return true })
	s := w.want(403, w.ask("GET", group, ""))
	more, _ := json.Marshal(s.at("error", "additionalInfo"))
	if string(more) != `[{"info":{"try":"lanyard role assignment create"},"type":"LanyardHint"}]` {
		t.Error(s.text)
	}
}

func TestAttachingAnIdentityNeedsTheRightToAssignIt(t *testing.T) {
	w := newWorld(t)
	w.want(201, w.ask("PUT", uamis+"/u", here))
	w.refuse(func(_ cloud.Caller, action string, _ cloud.ID) bool { return action == assignAction })
	body := `{"location":"westeurope","identity":{"type":"UserAssigned","userAssignedIdentities":{"` + uamis + `/u":{}}}}`
	s := w.want(403, w.ask("PUT", carts+"/a", body))
	if s.code() != "LinkedAuthorizationFailed" || !strings.Contains(s.text, "on the linked scope(s) '"+uamis+"/u'") {
		t.Error(s.text)
	}
	w.refuse(nil)
	w.want(201, w.ask("PUT", carts+"/a", body))
	w.refuse(func(_ cloud.Caller, action string, _ cloud.ID) bool { return action == assignAction })
	w.want(200, w.ask("PUT", carts+"/a", body)) // worn already
}
