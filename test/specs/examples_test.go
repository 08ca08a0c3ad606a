package specs

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"lanyard/internal/cloud"
)

// leastPassed is how many examples have to pass: it may only rise.
const leastPassed = 139

// types are those whose examples are tried, with whatever lies in them.
var types = regexp.MustCompile(`(?i)/providers/Microsoft\.(ManagedIdentity/userAssignedIdentities|Authorization/(roleAssignments|roleDefinitions|locks)|` +
	`KeyVault/(vaults|deletedVaults|locations|checkNameAvailability)|App/(managedEnvironments|containerApps))(/|$)|/resourcegroups/\{resourceGroupName\}(/exportTemplate)?$`)

// foreign are other services' paths that have such a type in them: the data plane's own role
// assignments, and those of Privileged Identity Management.
var foreign = regexp.MustCompile(`(?i)managedHSMs`)

func TestExamplesOfTheAPIDescriptions(t *testing.T) {
	root, l := folder(t), library{}
	all, err := l.examples(root, func(path string) bool { return types.MatchString(path) && !foreign.MatchString(path) })
	if err != nil {
		t.Fatal(err)
	}
	count, failed := map[string]int{}, 0
	var refused []string
	for _, x := range all {
		t.Run(x.String()+"/"+x.method, func(t *testing.T) {
			failed++
			reason := try(t, l, x)
			if t.Failed() {
				return
			}
			failed--
			if reason != "" {
				refused = append(refused, reason+": "+x.String())
			}
			count[reason]++
		})
	}
	passed := count[""]
	delete(count, "")
	slices.Sort(refused)
	if testing.Verbose() {
		t.Log("refused:\n" + strings.Join(refused, "\n"))
	}
	t.Logf("%d examples tried, %d passed, %d refused, %d failed", len(all), passed, len(refused), failed)
	for _, reason := range slices.Sorted(maps.Keys(count)) {
		t.Logf("%4d %s", count[reason], reason)
	}
	if passed < leastPassed {
		t.Errorf("%d examples passed, and %d did once", passed, leastPassed)
	}
}

// try sends an example in a world of its own and gives "" when the answer is as described, else
// the reason for which it was refused.
func try(t *testing.T, l library, x example) string {
	w := begin(t)
	r := w.fit(l, x)
	a := w.send(r.method, r.target, r.body)
	check(t, l, x, a)
	if a.status >= http.StatusBadRequest {
		return reasonFor(t, x, a)
	}
	if _, described := x.operation.at("responses").object()["200"]; described && r.method == http.MethodPut {
		check(t, l, x, w.send(r.method, r.target, r.body)) // the same again, now that it is there
	}
	return ""
}

// check holds an answer against what the operation describes: status and body.
func check(t *testing.T, l library, x example, a answer) {
	t.Helper()
	described := x.operation.at("responses")
	key := strconv.Itoa(a.status)
	if _, ok := described.object()[key]; !ok {
		if a.status < http.StatusBadRequest {
			t.Errorf("answered %d, described are %v: %s", a.status, slices.Sorted(maps.Keys(described.object())), a.text)
			return
		}
		key = "default"
	}
	response, err := l.follow(described.at(key))
	if err != nil {
		t.Fatal(err)
	}
	if _, ok := response.object()["schema"]; !ok {
		return
	}
	if a.body == nil {
		t.Errorf("answered %d without the body that is described", a.status)
		return
	}
	c := &checker{library: l}
	c.check("", response.at("schema"), a.body)
	for _, wrong := range c.wrong {
		t.Errorf("answered %d: %s", a.status, wrong)
	}
	if t.Failed() {
		t.Log(a.text)
	}
}

// reasonFor gives the reason for a refusal, and fails where there is none that is honest.
func reasonFor(t *testing.T, x example, a answer) string {
	t.Helper()
	switch {
	case a.status == http.StatusNotFound && a.code() == "InvalidResourceType":
		return "a type or operation that is not offered"
	case a.status == http.StatusNotImplemented && a.code() == "NotOffered" && strings.Contains(a.text, "'"):
		return "a property or feature that is not offered"
	case own[x.name] == a.code() && a.code() != "":
		return "a value of the example that Azure's own rules refuse"
	}
	t.Errorf("answered %d: %s", a.status, a.text)
	return ""
}

// own are the examples that Azure's own rules would refuse, with the code of the refusal.
var own = map[string]string{}

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
	target = lowerApps("/" + strings.Trim(target, "/"))
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
	body, err := json.Marshal(value)
	if err != nil {
		w.t.Fatal(err)
	}
	return string(body)
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
		name := "specs-one"
		if strings.Contains(target, "/role") {
			name = "eeeeeeee-0000-0000-0000-000000000002"
		}
		if id, err := cloud.ParseID(target + "/" + name); err == nil {
			w.seed(id)
		}
	}
}
