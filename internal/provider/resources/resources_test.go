package resources_test

import (
	"strings"
	"testing"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/provider/providertest"
	"lanyard/internal/provider/resources"
)

func row(t *testing.T, name string) arm.Row {
	t.Helper()
	for _, r := range resources.Rows("tenant") {
		if r.Type == name {
			return r
		}
	}
	t.Fatalf("no row %s", name)
	return arm.Row{}
}

func TestGroupNames(t *testing.T) {
	name := row(t, resources.ResourceGroups).Name
	for _, good := range []string{"rg", "My.Group_(1)-x", "0"} {
		if err := name(good); err != nil {
			t.Errorf("%q: %v", good, err)
		}
	}
	long := ""
	for range 91 {
		long += "a"
	}
	for _, bad := range []string{"a b", "ends.", "a+b", long} {
		if err := name(bad); fault.Of(err).Code != "InvalidResourceGroup" {
			t.Errorf("%q: got %v", bad, err)
		}
	}
}

func TestOnlyThePlatformMakesSubscriptions(t *testing.T) {
	b := row(t, resources.Subscriptions).Behaviour
	id := cloud.MustID("/subscriptions/aaaaaaaa-0000-0000-0000-000000000001")
	c := &arm.Change{ID: id, After: &arm.Document{ID: id}, Going: id}
	if err := b.Shape(t.Context(), c); err != nil {
		t.Errorf("the platform was refused: %v", err)
	}
	c.Caller.Principal = "someone"
	if err := b.Shape(t.Context(), c); !fault.Is(err, fault.WrongMethod) {
		t.Errorf("a client's PUT: %v", err)
	}
	c.After = nil
	if err := b.Remove(t.Context(), c); !fault.Is(err, fault.WrongMethod) {
		t.Errorf("a client's DELETE: %v", err)
	}
}

func TestASubscriptionShowsWhatAzNeeds(t *testing.T) {
	d := &arm.Document{ID: cloud.MustID("/subscriptions/aaaaaaaa-0000-0000-0000-000000000001"), Properties: []byte(`{"displayName":"Shop"}`)}
	if err := row(t, resources.Subscriptions).Behaviour.Show(t.Context(), d); err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]string{"displayName": `"Shop"`, "state": `"Enabled"`, "tenantId": `"tenant"`, "managedByTenants": `[]`,
		"subscriptionId": `"aaaaaaaa-0000-0000-0000-000000000001"`, "authorizationSource": `"RoleBased"`} {
		if string(d.Rest[name]) != want {
			t.Errorf("%s is %s, want %s", name, d.Rest[name], want)
		}
	}
	if d.Properties != nil {
		t.Errorf("it shows properties %s", d.Properties)
	}
}

func TestAGroupHasOnePropertyWhichClientsDoNotSet(t *testing.T) {
	b := row(t, resources.ResourceGroups).Behaviour
	id := cloud.MustID("/subscriptions/s/resourceGroups/rg")
	c := &arm.Change{ID: id, After: &arm.Document{ID: id}}
	if err := b.Shape(t.Context(), c); err != nil || string(c.After.Properties) != `{"provisioningState":"Succeeded"}` {
		t.Errorf("got %s, %v", c.After.Properties, err)
	}
	c.After.Properties = []byte(`{"colour":"blue"}`)
	if err := b.Shape(t.Context(), c); !fault.Is(err, fault.NotOffered) {
		t.Errorf("an unknown property: %v", err)
	}
}

func TestWhatAGroupCannotDoIsRefusedByName(t *testing.T) {
	w := providertest.Begin(t, "2025-04-01", func(*providertest.World) []arm.Row { return resources.Rows(providertest.Tenant) })
	for _, name := range []string{"exportTemplate", "moveResources", "validateMoveResources"} {
		if a := w.Want(501, "NotOffered", "POST "+providertest.Group+"/"+name, "{}"); !strings.Contains(a.Text, "'"+name+"'") {
			t.Error(a.Text)
		}
	}
	for _, path := range []string{"/deployments/d", "/deployments/d/operations", "/tags/default", "/templateSpecs"} {
		w.Want(501, "NotOffered", "GET "+providertest.Group+"/providers/Microsoft.Resources"+path, "")
	}
}

// What the API description of resource groups says of HEAD: 204 or 404, with no body.
func TestWhetherAGroupExistsIsAskedByHEAD(t *testing.T) {
	w := providertest.Begin(t, "2025-04-01", func(*providertest.World) []arm.Row { return resources.Rows(providertest.Tenant) })
	for line, status := range map[string]int{providertest.Group: 204, providertest.Group + "-none": 404} {
		if a := w.Ask("HEAD "+line, ""); a.Status != status {
			t.Errorf("%s: got %d, want %d", line, a.Status, status)
		}
	}
}
