package insights

import (
	"context"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"

	"lanyard/internal/arm"
	"lanyard/internal/cloud"
	"lanyard/internal/httpkit"
)

// activityLog answers with records.
type activityLog struct{ Deps }

// list answers with one page of records, newest first.
func (l activityLog) list(ctx context.Context, v arm.Visit, w http.ResponseWriter, r *http.Request) error {
	q, err := ask(v, r.URL.Query())
	if err != nil {
		return err
	}
	found, next, err := l.Records.Find(ctx, q.search)
	if err != nil {
		return err
	}
	values := make([]map[string]any, len(found))
	for i, a := range found {
		values[i] = q.choose(event(a))
	}
	said := map[string]any{"value": values}
	if next > 0 {
		said["nextLink"] = l.Next(r, strconv.FormatInt(next, 10))
	}
	return httpkit.WriteJSON(w, http.StatusOK, said)
}

// choose leaves what $select asks for.
func (q question) choose(e map[string]any) map[string]any {
	if q.fields == nil {
		return e
	}
	chosen := map[string]any{}
	for _, name := range q.fields {
		if v, ok := e[name]; ok {
			chosen[name] = v
		}
	}
	return chosen
}

// members are those that a record can have.
var members = []string{
	"authorization", "caller", "category", "channels", "claims", "correlationId", "description", "eventDataId", "eventName",
	"eventTimestamp", "httpRequest", "id", "level", "operationId", "operationName", "properties", "resourceGroupName", "resourceId",
	"resourceProviderName", "resourceType", "status", "subStatus", "submissionTimestamp", "subscriptionId", "tenantId",
}

// named is a word of Azure's beside what people are shown for it.
func named(value, shown string) map[string]string {
	return map[string]string{"value": value, "localizedValue": shown}
}

// event spells a record as the API description of the activity log does (EventData).
func event(a cloud.Activity) map[string]any {
	stamp := a.Time.UTC().Format("2006-01-02T15:04:05.0000000Z")
	name, level, sub, shown := "EndRequest", "Informational", "", ""
	if a.State == cloud.ActivityStarted {
		name = "BeginRequest"
	}
	if a.State == cloud.ActivityFailed {
		level = "Error"
	}
	if a.Code != 0 {
		sub = strings.ReplaceAll(http.StatusText(a.Code), " ", "")
		shown = http.StatusText(a.Code) + " (HTTP Status Code: " + strconv.Itoa(a.Code) + ")"
	}
	namespace, _, _ := strings.Cut(a.Operation, "/")
	kind := a.Resource.Type()
	if a.Resource.Is("Microsoft.Resources/resourceGroups") {
		kind = "Microsoft.Resources/subscriptions/resourceGroups" // the spelling of these records
	}
	return map[string]any{
		"authorization": map[string]string{"action": a.Operation, "scope": a.Resource.String()},
		"caller":        a.By.Name(), "category": named("Administrative", "Administrative"), "channels": "Operation", "claims": claims(a),
		"correlationId": a.Correlation, "description": "", "eventDataId": a.ID, "eventName": named(name, name), "eventTimestamp": stamp,
		"httpRequest": map[string]string{"clientRequestId": a.ClientRequest, "clientIpAddress": a.From, "method": a.Method},
		"id":          strings.TrimSuffix(a.Resource.String(), "/") + "/events/" + a.ID + "/ticks/" + strconv.FormatInt(ticks(a), 10),
		"level":       level, "operationId": a.Request, "operationName": named(a.Operation, a.Operation), "properties": properties(a, sub),
		"resourceGroupName": a.Resource.Group(), "resourceId": a.Resource, "resourceProviderName": named(namespace, namespace),
		"resourceType": named(kind, kind), "status": named(string(a.State), string(a.State)), "subStatus": named(sub, shown),
		"submissionTimestamp": stamp, "subscriptionId": a.Resource.Subscription(), "tenantId": a.By.Tenant,
	}
}

// ticks gives a record's time in .NET's units: tenths of microseconds since the year 1.
func ticks(a cloud.Activity) int64 { return a.Time.UnixNano()/100 + 621_355_968_000_000_000 }

// claims are those of the caller's token that say who it was.
func claims(a cloud.Activity) map[string]string {
	all := map[string]string{
		"http://schemas.microsoft.com/identity/claims/objectidentifier": string(a.By.Principal),
		"http://schemas.microsoft.com/identity/claims/tenantid":         string(a.By.Tenant),
		"appid": string(a.By.Client), "name": a.Name, "uti": a.By.TokenID, "xms_mirid": a.By.Resource,
		"http://schemas.xmlsoap.org/ws/2005/05/identity/claims/upn": a.By.SignIn,
	}
	for name, value := range all {
		if value == "" {
			delete(all, name)
		}
	}
	return all
}

func properties(a cloud.Activity, sub string) map[string]string {
	p := map[string]string{
		"eventCategory": "Administrative", "entity": a.Resource.String(), "message": a.Operation,
		"hierarchy": a.Resource.Subscription(), "serviceRequestId": a.Request,
	}
	if sub != "" {
		p["statusCode"] = sub
	}
	if a.Fault != "" {
		said, err := json.Marshal(map[string]any{"error": map[string]string{"code": a.Fault, "message": a.Message}})
		if err == nil { // texts always marshal
			p["statusMessage"] = string(said)
		}
	}
	return p
}

// listCategories answers with the kinds of event there are: what is recorded is administrative.
func listCategories(_ context.Context, _ arm.Visit, w http.ResponseWriter, _ *http.Request) error {
	return httpkit.WriteJSON(w, http.StatusOK, map[string]any{"value": []any{named("Administrative", "Administrative")}})
}
