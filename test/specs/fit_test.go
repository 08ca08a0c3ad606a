package specs

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"lanyard/internal/cloud"
)

// request is an example's, fitted to a world.
type request struct{ method, target, body string }

var (
	anySubscription = regexp.MustCompile(`(?i)subscriptions?/[^/"]+`)
	otherResource   = regexp.MustCompile(`(?i)Microsoft\.DocumentDb/databaseAccounts/[^/"]+`)
	appName         = regexp.MustCompile(`containerApps/[^/"]+`)
)

// fit replaces what an example says of its own world - subscription, tenant, principals, roles,
// resources of types that are not here, names that are mere placeholders - and makes what it
// takes for granted.
func (w *world) fit(l library, x example) request {
	w.t.Helper()
	parameters := w.settle(x)
	target, query := x.path, url.Values{"api-version": {x.version}}
	body := ""
	for _, p := range append(slices.Clone(x.shared), x.operation.list("parameters")...) {
		p, err := l.follow(p)
		if err != nil {
			w.t.Fatal(err)
		}
		name := p.text("name")
		value, given := parameters[name]
		if !given || name == "api-version" {
			continue
		}
		switch p.text("in") {
		case "path":
			target = strings.ReplaceAll(target, "{"+name+"}", fmt.Sprint(value))
		case "query":
			query.Set(name, fmt.Sprint(value))
		case "body":
			body = w.content(value)
		}
	}
	if strings.Contains(target, "{") {
		w.t.Fatalf("the example does not say all that %s needs", target)
	}
	target = lowerApps("/" + strings.ReplaceAll(strings.Trim(target, "/"), " ", "%20"))
	w.prepare(x.method, target)
	return request{x.method, target + "?" + query.Encode(), body}
}

// placeholders are values of the examples that stand for any other.
var placeholders = map[string]string{
	"action":     "Microsoft.KeyVault/vaults/read",
	"dataAction": "Microsoft.KeyVault/vaults/secrets/getSecret/action",
}

// settle gives an example's parameters as they are in this world.
func (w *world) settle(x example) map[string]any {
	text, err := json.Marshal(x.parameters)
	if err != nil {
		w.t.Fatal(err)
	}
	fitted := anySubscription.ReplaceAllString(string(text), "subscriptions/"+subscription)
	fitted = otherResource.ReplaceAllString(fitted, "Microsoft.KeyVault/vaults/specs-kv")
	fitted = lowerApps(fitted)
	var p map[string]any
	if err := json.Unmarshal([]byte(fitted), &p); err != nil {
		w.t.Fatal(err)
	}
	p["subscriptionId"] = subscription
	if !strings.HasPrefix(fmt.Sprint(p["scope"]), "subscriptions/") {
		p["scope"] = "subscriptions/" + subscription
	}
	for _, name := range []string{"roleAssignmentName", "roleDefinitionId"} {
		if !guid.MatchString(fmt.Sprint(p[name])) {
			p[name] = "eeeeeeee-0000-0000-0000-000000000001"
		}
	}
	p["resourceProviderNamespace"], p["resourceType"], p["resourceName"] = "Microsoft.KeyVault", "vaults", "specs-kv"
	if strings.Contains(x.path, "{parentResourcePath}") {
		p["parentResourcePath"], p["resourceType"], p["resourceName"] = "vaults/specs-kv", "secrets", "db"
	}
	if _, named := p["revisionName"]; named {
		p["revisionName"] = strings.ToLower(fmt.Sprint(p["containerAppName"])) + "--blue"
	}
	p["replicaName"] = "specs-one"
	if body, _ := p["body"].(map[string]any); body["roleDefinition"] != nil {
		definition, _ := body["roleDefinition"].(map[string]any)
		delete(definition, "id")
		delete(definition, "name")
		delete(definition, "type")
		p["roleDefinition"] = map[string]any{"properties": definition}
	}
	return p
}

// lowerApps writes the names of container apps as they have to be.
func lowerApps(text string) string {
	return appName.ReplaceAllStringFunc(text, func(s string) string { return "containerApps/" + strings.ToLower(s[len("containerApps/"):]) })
}

// content gives a body with the principals, roles and resources of this world.
func (w *world) content(value any) string {
	w.adapt(value)
	return encode(w.t, value)
}

// adapt goes through a body and makes, or replaces, what it refers to.
func (w *world) adapt(value any) {
	switch v := value.(type) {
	case []any:
		for i, each := range v {
			if text, ok := each.(string); ok && placeholders[text] != "" {
				v[i] = placeholders[text]
			}
			w.adapt(each)
		}
	case map[string]any:
		for name, each := range v {
			text, isText := each.(string)
			switch {
			case name == "tenantId":
				v[name] = tenant
			case name == "principalId" && isText:
				w.enroll(cloud.PrincipalID(text), v["principalType"] == "User")
			case name == "roleDefinitionId":
				v[name] = "/subscriptions/" + subscription + "/providers/Microsoft.Authorization/roleDefinitions/" + reader
			default:
				w.refer(name)
				w.refer(text)
				w.adapt(each)
			}
		}
	}
}

// refer makes the resource that a text names, if it names one.
func (w *world) refer(text string) {
	if id, err := cloud.ParseID(text); err == nil && strings.HasPrefix(text, "/subscriptions/") {
		w.seed(id)
	}
}

// prepare makes what a request takes for granted: what its path lies in, and but for a PUT the
// resource itself, or one member of the collection.
func (w *world) prepare(method, target string) {
	id, err := cloud.ParseID(target)
	switch {
	case err == nil && method == http.MethodPut:
		w.seed(id.Parent())
	case err == nil:
		w.seed(id)
	case method == http.MethodPost:
		if id, err := cloud.ParseID(target[:strings.LastIndexByte(target, '/')]); err == nil {
			w.seed(id)
		}
	default:
		if id, err := cloud.ParseID(member(target)); err == nil {
			w.seed(id)
		}
	}
}

// member gives a resource that a collection holds.
func member(collection string) string {
	const here = "/subscriptions/" + subscription + "/providers/"
	switch space, ok := strings.CutPrefix(collection, here); {
	case strings.HasSuffix(collection, "/deletedVaults"):
		return path.Dir(collection) + "/locations/westus/deletedVaults/specs-one"
	case strings.Contains(collection, "/role"):
		return collection + "/eeeeeeee-0000-0000-0000-000000000002"
	case ok && !strings.HasSuffix(collection, "/locks"):
		return "/subscriptions/" + subscription + "/resourceGroups/specs-rg/providers/" + space + "/specs-one"
	}
	return collection + "/specs-one"
}
