package directory

import (
	"encoding/json"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/store"
)

func TestFederatedCredentialsAreTheirIdentitysAlone(t *testing.T) { // TK-14
	document := func(of cloud.ID, name, id string, properties map[string]any) store.Change {
		key := cloud.DocumentKey(cloud.MustID(of.String() + "/federatedIdentityCredentials/" + name))
		if id == "" {
			id = of.String() + "/federatedIdentityCredentials/" + name
		}
		value, err := json.Marshal(map[string]any{"id": id, "name": name, "properties": properties})
		if err != nil {
			t.Fatal(err)
		}
		return store.Change{Key: key, Value: value, If: store.Any}
	}
	says := func(subject string, audiences ...string) map[string]any {
		return map[string]any{"issuer": "https://issuer.example", "subject": subject, "audiences": audiences}
	}
	w := start(t)
	one, first, err := w.Enroll(cloud.UserAssigned, "one", cloud.MustID(identity))
	if err != nil {
		t.Fatal(err)
	}
	two, second, err := w.Enroll(cloud.UserAssigned, "two", cloud.MustID(identity+"-two"))
	if err != nil {
		t.Fatal(err)
	}
	w.commit(first, second)
	w.commit(document(one.Resource, "b-b", "", says("b", "x")), document(one.Resource, "a-a", "", says("a", "x")),
		document(two.Resource, "a-a", "", says("c", "x")),
		document(two.Resource, "two", "", says("d", "x", "y")),              // which of them counts nobody knows
		document(two.Resource, "none", "", says("", "x")),                   // nobody is trusted
		document(two.Resource, "alias", "/subscriptions/s", says("e", "x"))) // another's
	if got := w.Federated(one.ID); len(got) != 2 || got[0].Name != "a-a" || got[0].Subject != "a" || got[1].Subject != "b" {
		t.Errorf("one has %+v", got)
	}
	if got := w.Federated(two.ID); len(got) != 1 || got[0].Subject != "c" {
		t.Errorf("two has %+v", got)
	}
	w.commit(document(one.Resource, "a-a", "", says("", "x"))) // unreadable from now on: it trusts nobody any more
	if got := w.Federated(one.ID); len(got) != 1 || got[0].Subject != "b" {
		t.Errorf("after an unreadable change one has %+v", got)
	}
	if got := w.Federated("eeeeeeee-0000-0000-0000-000000000000"); got != nil {
		t.Errorf("a stranger has %+v", got)
	}
}
