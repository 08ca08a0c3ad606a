package insights_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/provider/insights"
	"lanyard/internal/provider/providertest"
	"lanyard/internal/telemetry"
)

const log = providertest.Subscription + "/providers/microsoft.insights/eventtypes/management/values?api-version=2015-04-01"

// begin starts a world whose writes are recorded.
func begin(t *testing.T) *providertest.World {
	t.Helper()
	now := func() time.Time { return providertest.Start }
	history, err := telemetry.OpenHistory(t.Context(), "", now, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = history.Close() })
	w := providertest.Begin(t, "2025-04-01", func(w *providertest.World) []arm.Row {
		return insights.Rows(insights.Deps{Records: history, Next: w.Engine.NextLink})
	})
	w.Engine.Record = history.Record
	return w
}

func where(filter string) string { return log + "&$filter=" + url.QueryEscape(filter) }

const since = "eventTimestamp ge '2026-02-28T00:00:00Z'"

func TestTheActivityLogTellsOfEveryWrite(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+providertest.Group+"-c", `{"location":"westeurope"}`)
	w.Want(409, "InvalidResourceGroupLocation", "PUT "+providertest.Group+"-c", `{"location":"eastus"}`)
	all := w.Want(200, "", "GET "+where(since+" and eventTimestamp le 2026-03-02T00:00:00.000000Z and resourceGroupName eq 'RG-C'"), "").Values()
	if len(all) != 4 {
		t.Fatalf("%d records", len(all))
	}
	one := providertest.Answer{Body: all[2]} // newest first: the end of the first request
	for path, want := range map[string]any{
		"operationName.value": "Microsoft.Resources/subscriptions/resourceGroups/write", "status.value": "Succeeded", "subStatus.value": "Created",
		"subStatus.localizedValue": "Created (HTTP Status Code: 201)", "caller": string(providertest.Caller.Client), "resourceGroupName": "rg-c",
		"eventTimestamp": "2026-03-01T12:00:00.0000000Z", "level": "Informational", "eventName.value": "EndRequest",
		"authorization.action": "Microsoft.Resources/subscriptions/resourceGroups/write", "httpRequest.method": "PUT", "claims.appid": string(providertest.Caller.Client),
		"resourceType.value": "Microsoft.Resources/subscriptions/resourceGroups", "resourceProviderName.value": "Microsoft.Resources",
	} {
		if got := one.Property(path); got != want {
			t.Errorf("%s is %v, want %v", path, got, want)
		}
	}
	if oid := all[2]["claims"].(map[string]any)["http://schemas.microsoft.com/identity/claims/objectidentifier"]; oid != string(providertest.Caller.Principal) {
		t.Errorf("the object id is %v", oid)
	}
	failed := providertest.Answer{Body: all[0]}
	if failed.Property("status.value") != "Failed" || failed.Property("level") != "Error" ||
		!strings.Contains(fmt.Sprint(failed.Property("properties.statusMessage")), "InvalidResourceGroupLocation") {
		t.Errorf("the refusal is told as %v", all[0])
	}
	if all[0]["operationId"] != all[1]["operationId"] || all[0]["eventDataId"] == all[1]["eventDataId"] {
		t.Error("the two records of one request do not belong together")
	}
}

func TestFiltersOfTheActivityLog(t *testing.T) {
	w := begin(t)
	a := w.Want(201, "", "PUT "+providertest.Group+"-c", `{"location":"westeurope"}`)
	correlation := a.Header.Get("x-ms-correlation-request-id")
	for filter, want := range map[string]int{
		since: 2,
		since + " and resourceUri eq '" + providertest.Group + "-C'":                      2,
		since + " and resourceId eq '" + providertest.Group + "-d'":                       0,
		since + " and resourceProvider eq 'microsoft.resources'":                          2,
		since + " and correlationId eq '" + correlation + "'":                             2,
		since + " and caller eq '" + string(providertest.Caller.Client) + "'":             2,
		since + " and status eq 'Started'":                                                1,
		"eventTimestamp ge 2026-03-01T12:00:01Z":                                          0,
		"eventTimestamp ge 2026-02-28T00:00:00 and eventTimestamp le 2026-02-28T00:00:01": 0,
	} {
		if got := len(w.Want(200, "", "GET "+where(filter), "").Values()); got != want {
			t.Errorf("%s: %d records, want %d", filter, got, want)
		}
	}
	for _, filter := range []string{"", "status eq 'Failed'", since + " or " + since, since + " and " + since, since + " and colour eq 'red'",
		"eventTimestamp gt '2026-02-28T00:00:00Z'", "eventTimestamp ge 'yesterday'", since + " and resourceGroupName ne 'rg'", since + " and resourceGroupName eq ''",
		since + " and resourceGroupName eq 'a/b'", since + " and resourceUri eq '/subscriptions/other/resourceGroups/rg'", "'"} {
		if a := w.Ask("GET "+where(filter), ""); a.Status != 400 {
			t.Errorf("%s: got %d %s", filter, a.Status, a.Text)
		}
	}
	for option, status := range map[string]int{"$top=1": 400, "$orderby=x": 400, "$select=colour": 400, "$skiptoken=-1": 400, "$skiptoken=x": 400, "$select=caller,Status": 200} {
		if a := w.Ask("GET "+where(since)+"&"+option, ""); a.Status != status || status == 200 && len(a.Values()[0]) != 2 {
			t.Errorf("%s: got %d %s", option, a.Status, a.Text)
		}
	}
}

func TestPagesOfTheActivityLog(t *testing.T) {
	w := begin(t)
	for i := range 110 {
		w.Want(201, "", fmt.Sprintf("PUT %s-%d", providertest.Group, i), `{"location":"westeurope"}`)
	}
	seen := map[any]bool{}
	for line := "GET " + where(since); line != ""; {
		a := w.Want(200, "", line, "")
		for _, each := range a.Values() {
			seen[each["eventDataId"]] = true
		}
		next, _ := a.Body["nextLink"].(string)
		if line = ""; next != "" {
			line = "GET " + strings.TrimPrefix(next, "https://"+cloud.Azure.Management)
		}
	}
	if len(seen) != 220 {
		t.Errorf("%d records on all pages, want 220", len(seen))
	}
}

// Who may read a group's records may ask for those, and for no others.
func TestRecordsAreReadByWhoMayReadThem(t *testing.T) {
	w := begin(t)
	w.Want(201, "", "PUT "+providertest.Group+"-c", `{"location":"westeurope"}`)
	w.Refuse = arm.Demand{Action: "Microsoft.Insights/eventtypes/values/read", Scope: cloud.MustID(providertest.Group + "-c")}
	w.Want(403, "AuthorizationFailed", "GET "+where(since+" and resourceGroupName eq 'rg-c'"), "")
	w.Want(403, "AuthorizationFailed", "GET "+where(since+" and resourceUri eq '"+providertest.Group+"-c/providers/A.B/c/d'"), "")
	w.Want(200, "", "GET "+where(since+" and resourceGroupName eq 'rg'"), "")
	w.Refuse.Scope = cloud.MustID(providertest.Subscription)
	w.Want(403, "AuthorizationFailed", "GET "+where(since), "")
	w.Want(404, "InvalidResourceType", "GET /providers/microsoft.insights/eventtypes/management/values?api-version=2015-04-01", "")
	w.Want(404, "InvalidResourceType", "GET "+strings.Replace(log, "management", "other", 1), "")
}

func TestTheKindsOfEvent(t *testing.T) {
	w := begin(t)
	if a := w.Want(200, "", "GET /providers/Microsoft.Insights/eventcategories?api-version=2015-04-01", ""); !strings.Contains(a.Text, "Administrative") {
		t.Error(a.Text)
	}
}
