package graph_test

import (
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"lanyard/internal/cloud"
)

// group makes a group and gives its id.
func (w *world) group(name string, members ...cloud.PrincipalID) string {
	w.t.Helper()
	refs := []string{}
	for _, m := range members {
		refs = append(refs, "https://graph.microsoft.com/v1.0/directoryObjects/"+string(m))
	}
	made := w.call(w.owner, 201, "POST", "/groups", object{"displayName": name, "mailNickname": strings.ReplaceAll(name, " ", ""),
		"mailEnabled": false, "securityEnabled": true, "members@odata.bind": refs})
	return made["id"].(string)
}

// TestMembersAtEveryRemove is of TG-4: members and groups, directly and through other groups, of every
// kind of object that can be a member, and by every path.
func TestMembersAtEveryRemove(t *testing.T) {
	w := start(t)
	inner := w.group("inner", w.mi.ID, w.user.ID)
	outer := w.group("outer", cloud.PrincipalID(inner), w.worker.ID)
	for path, want := range map[string]string{
		"/groups/" + outer + "/members":                                                "inner worker",
		"/groups/" + outer + "/transitiveMembers":                                      "The owner billing inner worker",
		"/groups/" + outer + "/transitiveMembers/microsoft.graph.user":                 "The owner",
		"/groups/" + outer + "/transitiveMembers/microsoft.graph.group":                "inner",
		"/groups/" + outer + "/members/microsoft.graph.servicePrincipal":               "worker",
		"/groups/" + inner + "/memberOf":                                               "outer",
		"/servicePrincipals/" + string(w.mi.ID) + "/memberOf":                          "inner",
		"/servicePrincipals/" + string(w.mi.ID) + "/transitiveMemberOf":                "inner outer",
		"/servicePrincipals(appId='" + string(w.mi.Client) + "')/memberOf":             "inner",
		"/users/owner@lanyard.localhost/memberOf":                                      "inner",
		"/users/" + string(w.user.ID) + "/transitiveMemberOf":                          "inner outer",
		"/directoryObjects/" + string(w.worker.ID) + "/transitiveMemberOf":             "outer",
		"/directoryObjects/" + string(w.worker.ID) + "/memberOf/microsoft.graph.group": "outer",
		"/groups/" + outer + "/members" + filter("displayName eq 'worker'"):            "worker",
		"/groups" + filter("securityEnabled eq true and startswith(displayName,'o')"):  "outer",
		"/groups" + filter("groupTypes/any(t:t eq 'Unified')"):                         "",
	} {
		if got := names(w.call(w.owner, 200, "GET", path, nil)); got != want {
			t.Errorf("%s: %s, want %s", path, got, want)
		}
	}
	if got := names(w.call(w.user, 200, "GET", "/me/transitiveMemberOf", nil)); got != "inner outer" {
		t.Errorf("a person asks for their own and gets %s", got)
	}
	for path, want := range map[string]int{"getMemberGroups": 2, "getMemberObjects": 2} {
		if got := w.call(w.mi, 200, "POST", "/servicePrincipals/"+string(w.mi.ID)+"/"+path, object{"securityEnabledOnly": true}); len(got["value"].([]any)) != want {
			t.Errorf("%s: %v", path, got)
		}
	}
	for path, body := range map[string]object{"checkMemberGroups": {"groupIds": []string{strings.ToUpper(outer), firstKey}}, "checkMemberObjects": {"ids": []string{outer}}} {
		if got := fmt.Sprint(w.call(w.owner, 200, "POST", "/users/"+string(w.user.ID)+"/"+path, body)["value"]); got != "["+outer+"]" {
			t.Errorf("%s: %s", path, got)
		}
	}
	all := value(w.call(w.owner, 200, "GET", "/groups/"+outer+"/members?$top=1", nil))
	if len(all) != 1 || all[0]["@odata.type"] == nil {
		t.Errorf("a page of one holds %v", all)
	}
}

// TestWhatGroupsRefuse: who may not, what cannot be a member, and what makes other groups than security groups.
func TestWhatGroupsRefuse(t *testing.T) {
	w := start(t)
	id := w.group("readers")
	sound := func(change func(object)) object {
		o := object{"displayName": "x", "mailNickname": "x", "mailEnabled": false, "securityEnabled": true}
		change(o)
		return o
	}
	for name, c := range map[string]struct {
		status int
		body   object
	}{
		"no name":             {400, sound(func(o object) { delete(o, "displayName") })},
		"an endless name":     {400, sound(func(o object) { o["displayName"] = strings.Repeat("x", 257) })},
		"a nickname in two":   {400, sound(func(o object) { o["mailNickname"] = "x y" })},
		"its own id":          {400, sound(func(o object) { o["id"] = firstKey })},
		"what is no property": {400, sound(func(o object) { o["colour"] = "red" })},
		"nobody as a member":  {404, sound(func(o object) { o["members@odata.bind"] = []string{"https://x/directoryObjects/" + firstKey} })},
		"21 members":          {400, sound(func(o object) { o["members@odata.bind"] = make([]string, 21) })},
		"a group as owner":    {400, sound(func(o object) { o["owners@odata.bind"] = []string{"https://x/groups/" + id} })},
		"a Microsoft 365 one": {501, sound(func(o object) { o["groupTypes"] = []string{"Unified"} })},
		"no security group":   {501, sound(func(o object) { o["securityEnabled"] = false })},
		"a rule":              {501, sound(func(o object) { o["membershipRule"] = "user.department -eq 1" })},
		"roles in Entra":      {501, sound(func(o object) { o["isAssignableToRole"] = true })},
	} {
		if w.refused(w.owner, c.status, "POST", "/groups", c.body); len(w.dir.Groups()) != 1 {
			t.Fatalf("%s: it was made", name)
		}
	}
	member := object{"@odata.id": "https://graph.microsoft.com/v1.0/directoryObjects/" + string(w.mi.ID)}
	for _, who := range []cloud.Principal{w.mi, w.worker, w.user} {
		w.refused(who, 403, "POST", "/groups", sound(func(object) {}))
		w.refused(who, 403, "POST", "/groups/"+id+"/members/$ref", member)
		w.refused(who, 403, "POST", "/groups/"+id+"/owners/$ref", member)
		w.refused(who, 403, "PATCH", "/groups/"+id, object{"displayName": "mine"})
		w.refused(who, 403, "DELETE", "/groups/"+id, nil)
		w.refused(who, 403, "DELETE", "/groups/"+firstKey, nil)
	}
	for _, who := range []cloud.Principal{w.mi, w.worker} {
		w.refused(who, 403, "GET", "/groups/"+id, nil)
		w.refused(who, 403, "GET", "/groups/"+id+"/members", nil)
		w.refused(who, 403, "GET", "/users/"+string(w.user.ID)+"/memberOf", nil)
	}
	w.refused(w.owner, 400, "POST", "/users/"+string(w.user.ID)+"/checkMemberGroups", object{"groupIds": make([]string, 21)})
	w.refused(w.owner, 400, "POST", "/users/"+string(w.user.ID)+"/checkMemberGroups", object{"ids": []string{}})
	w.refused(w.owner, 400, "GET", "/groups/"+id+"/members/microsoft.graph.device", nil)
	w.refused(w.owner, 404, "DELETE", "/groups/"+id+"/members/"+string(w.mi.ID)+"/$ref", nil)
	w.refused(w.owner, 404, "POST", "/users/nobody@lanyard.localhost/getMemberGroups", object{})
	w.refused(w.owner, 400, "GET", "/me/memberOf", nil)
}

// TestAPersonOwnsTheGroupsThatTheyMake and an application does not, as in Entra.
func TestAPersonOwnsTheGroupsThatTheyMake(t *testing.T) {
	w := start(t)
	w.assign(w.user.ID, ownerRole)
	w.group("by an application")
	made := w.call(w.user, 201, "POST", "/groups", object{"displayName": "mine", "mailNickname": "mine", "mailEnabled": false, "securityEnabled": true})
	if got := names(w.call(w.user, 200, "GET", "/me/ownedObjects", nil)); got != "mine" {
		t.Errorf("the person owns %s", got)
	}
	if got := names(w.call(w.user, 200, "GET", "/groups/"+made["id"].(string)+"/owners", nil)); got != "The owner" {
		t.Errorf("its owners are %s", got)
	}
}

// TestWhoDeletesAGroup: its members stay, and what it was granted is nobody's.
func TestWhoDeletesAGroup(t *testing.T) {
	w := start(t)
	id := w.group("owners", w.mi.ID)
	w.assign(cloud.PrincipalID(id), ownerRole)
	w.call(w.mi, 200, "GET", "/groups", nil)
	w.call(w.mi, 204, "PATCH", "/groups/"+id, object{"description": "by a member, who is Owner by it"})
	w.call(w.owner, 204, "DELETE", "/groups/"+id, nil)
	w.refused(w.mi, 403, "GET", "/groups", nil)
	w.call(w.mi, 200, "GET", "/servicePrincipals/"+string(w.mi.ID), nil)
	if again := w.group("owners", w.mi.ID); again == id {
		t.Error("the id came back")
	}
	w.refused(w.mi, 403, "GET", "/groups", nil)
}

// TestManyChangeOneGroup: whoever is slower looks again, so that no member is lost.
func TestManyChangeOneGroup(t *testing.T) {
	w := start(t)
	id := w.group("readers")
	var all sync.WaitGroup
	members := []cloud.Principal{w.mi, w.user, w.worker, w.owner}
	for _, m := range members {
		all.Go(func() {
			body := `{"@odata.id":"https://graph.microsoft.com/v1.0/directoryObjects/` + string(m.ID) + `"}`
			if got := w.status(httptest.NewRequest("POST", "https://graph.microsoft.com/v1.0/groups/"+id+"/members/$ref", strings.NewReader(body))); got != 204 {
				t.Errorf("%s: %d", m.Name, got)
			}
		})
	}
	all.Wait()
	if got := value(w.call(w.owner, 200, "GET", "/groups/"+id+"/members", nil)); len(got) != len(members) {
		t.Errorf("%d members of %d", len(got), len(members))
	}
}
