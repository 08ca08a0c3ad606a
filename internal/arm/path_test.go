package arm

import (
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
)

func TestWhatPathsMean(t *testing.T) {
	assignment := "/providers/Microsoft.Authorization/roleAssignments"
	cases := map[string]struct {
		method, path string
		meaning      string
		id           string
		word         string
	}{
		"a resource":                       {"GET", carts + "/a", "resource", carts + "/a", ""},
		"a resource and a slash":           {"GET", carts + "/a/", "resource", carts + "/a", ""},
		"a resource in other case":         {"GET", strings.ToUpper(carts) + "/A", "resource", carts + "/a", ""},
		"a child":                          {"GET", carts + "/a/wheels/w", "resource", carts + "/a/wheels/w", ""},
		"a subscription":                   {"GET", sub, "resource", sub, ""},
		"a group":                          {"GET", strings.ToLower(group), "resource", group, ""},
		"an extension of a resource":       {"GET", carts + "/a" + assignment + "/r", "resource", carts + "/a" + assignment + "/r", ""},
		"an extension of the tenant":       {"GET", assignment + "/r", "resource", assignment + "/r", ""},
		"subscriptions":                    {"GET", "/subscriptions", "collection", "/", ""},
		"groups":                           {"GET", sub + "/resourcegroups", "collection", sub, ""},
		"a type in a group":                {"GET", carts, "collection", group, ""},
		"a type in a subscription":         {"GET", sub + "/providers/Toy.Shop/carts", "collection", sub, ""},
		"children":                         {"GET", carts + "/a/wheels", "collection", carts + "/a", ""},
		"extensions of a resource":         {"GET", carts + "/a" + assignment, "collection", carts + "/a", ""},
		"extensions of a child":            {"GET", carts + "/a/wheels/w" + assignment, "collection", carts + "/a/wheels/w", ""},
		"extensions of the tenant":         {"GET", assignment, "collection", "/", ""},
		"an action":                        {"POST", carts + "/a/Ring", "action", carts + "/a", "ring"},
		"all resources of a subscription":  {"GET", sub + "/resources", "/subscriptions/{}/resources", sub, ""},
		"all resources of a group":         {"GET", group + "/resources", "/subscriptions/{}/resourcegroups/{}/resources", group, ""},
		"the result of an operation":       {"GET", sub + "/operationresults/x", "/subscriptions/{}/operationresults/{}", sub, "x"},
		"the status of an operation":       {"GET", sub + "/operationstatuses/x", "/subscriptions/{}/operationstatuses/{}", sub, "x"},
		"providers":                        {"GET", sub + "/providers", "/subscriptions/{}/providers", sub, ""},
		"a provider":                       {"GET", sub + "/providers/Toy.Shop", "/subscriptions/{}/providers/{}", sub, "Toy.Shop"},
		"registering a provider":           {"POST", sub + "/providers/Toy.Shop/register", "/subscriptions/{}/providers/{}/register", sub, "Toy.Shop"},
		"no parent, as az writes it":       {"GET", group + "/providers/Toy.Shop//carts/a" + assignment + "/r", "resource", carts + "/a" + assignment + "/r", ""},
		"a scope as SDKs escape it":        {"GET", "/" + url.PathEscape(carts+"/a") + assignment + "/r", "resource", carts + "/a" + assignment + "/r", ""},
		"a scope with a slash of its own":  {"GET", "https://management.azure.com/" + carts + "/a" + assignment, "collection", carts + "/a", ""},
		"a scope escaped without a slash":  {"GET", "/" + url.PathEscape(group[1:]) + assignment, "collection", group, ""},
		"a resource whose name has spaces": {"GET", carts + "/a%20b", "resource", carts + "/a b", ""},
	}
	w := newWorld(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			rt, err := w.route(httptest.NewRequest(c.method, c.path, nil))
			if err != nil || meaning(rt) != c.meaning || !strings.EqualFold(rt.id.String(), c.id) || rt.word != c.word {
				t.Errorf("got %+v, %v", rt, err)
			}
		})
	}
}

// meaning gives an address's path, or what a path of a type stands for.
func meaning(rt route) string {
	switch _, written := rt.answers[http.MethodPut]; {
	case rt.address != nil:
		return rt.address.path
	case written:
		return "resource"
	case rt.word != "":
		return "action"
	}
	return "collection"
}

func TestRefusedRequests(t *testing.T) {
	cases := map[string]struct {
		method, path string
		status       int
		code         string
	}{
		"an operation on a group":       {"POST", group + "/exportTemplate" + version, 501, "NotOffered"},
		"a word that nobody asks for":   {"GET", group + "/exportTemplate" + version, 400, "InvalidRequestUri"},
		"an encoded slash":              {"GET", carts + "/a%2Fb" + version, 400, "InvalidRequestUri"},
		"an encoded dot":                {"GET", carts + "/%2e%2E" + version, 400, "InvalidRequestUri"},
		"an encoded backslash":          {"GET", carts + "/a%5cb" + version, 400, "InvalidRequestUri"},
		"a percent sign twice encoded":  {"GET", carts + "/a%252f" + version, 400, "InvalidRequestUri"},
		"an escaped path":               {"GET", "/" + url.PathEscape(carts+"/a") + version, 400, "InvalidRequestUri"},
		"a scope twice escaped":         {"GET", "/" + url.PathEscape(url.PathEscape(group)) + "/providers/Toy.Shop/carts/a" + version, 400, "InvalidRequestUri"},
		"an escaped dot segment":        {"GET", "/" + url.PathEscape(group+"/..") + "/providers/Toy.Shop/carts/a" + version, 400, "InvalidRequestUri"},
		"a dot segment":                 {"GET", group + "/../rg" + version, 400, "InvalidRequestUri"},
		"an empty segment":              {"GET", sub + "//resourceGroups" + version, 400, "InvalidRequestUri"},
		"three slashes at the start":    {"GET", "https://management.azure.com//" + sub + version, 400, "InvalidRequestUri"},
		"two empty segments":            {"GET", group + "/providers/Toy.Shop///carts/a" + version, 400, "InvalidRequestUri"},
		"letters beyond ASCII":          {"GET", carts + "/%C3%A9" + version, 400, "InvalidRequestUri"},
		"nonsense":                      {"GET", "/nonsense" + version, 400, "InvalidRequestUri"},
		"the root":                      {"GET", "/" + version, 404, "MissingSubscription"},
		"an unknown type":               {"GET", group + "/providers/Toy.Shop/dogs/d" + version, 404, "InvalidResourceType"},
		"an unknown namespace":          {"GET", group + "/providers/Toy.Zoo/dogs/d" + version, 404, "InvalidResourceType"},
		"an unknown collection":         {"GET", group + "/providers/Toy.Shop/dogs" + version, 404, "InvalidResourceType"},
		"an unknown action":             {"POST", carts + "/a/sing" + version, 404, "InvalidResourceType"},
		"a DELETE of a collection":      {"DELETE", carts + version, 405, "MethodNotAllowed"},
		"a POST to a resource":          {"POST", carts + "/a" + version, 405, "MethodNotAllowed"},
		"a list of groups in a group":   {"GET", group + "/resourceGroups" + version, 400, "InvalidRequestUri"},
		"no api-version":                {"GET", carts + "/a?x=1", 400, "MissingApiVersionParameter"},
		"an empty api-version":          {"GET", carts + "/a?api-version=", 400, "MissingApiVersionParameter"},
		"an api-version of no type":     {"GET", carts + "/a?api-version=1999-01-01", 400, "NoRegisteredProviderFound"},
		"an api-version of no group":    {"GET", group + "?api-version=1999-01-01", 400, "InvalidApiVersionParameter"},
		"an api-version of no listing":  {"GET", sub + "/resources?api-version=1999-01-01", 400, "InvalidApiVersionParameter"},
		"a type known as absent":        {"PUT", group + "/providers/Toy.Shop/dogs/d/tricks/t?x=1", 501, "NotOffered"},
		"what lies in an absent type":   {"GET", group + "/providers/Toy.Shop/dogs/d/tricks/t/parts/p?x=1", 501, "NotOffered"},
		"an absent type's operation":    {"POST", group + "/providers/Toy.Shop/dogs/d/tricks/t/show?x=1", 501, "NotOffered"},
		"an absent type elsewhere":      {"GET", sub + "/providers/Toy.Shop/cats?x=1", 501, "NotOffered"},
		"an absent type's collection":   {"POST", group + "/providers/Toy.Shop/dogs/d/tricks?x=1", 501, "NotOffered"},
		"a missing resource":            {"GET", carts + "/none" + version, 404, "ResourceNotFound"},
		"a missing group":               {"GET", sub + "/resourceGroups/none" + version, 404, "ResourceGroupNotFound"},
		"a missing subscription":        {"GET", "/subscriptions/none" + version, 404, "SubscriptionNotFound"},
		"a resource in a missing group": {"GET", sub + "/resourceGroups/none/providers/Toy.Shop/carts/a" + version, 404, "ResourceGroupNotFound"},
		"a list in a missing group":     {"GET", sub + "/resourceGroups/none/providers/Toy.Shop/carts" + version, 404, "ResourceGroupNotFound"},
		"a list of no parent":           {"GET", carts + "/none/wheels" + version, 404, "ParentResourceNotFound"},
		"an action on nothing":          {"POST", carts + "/none/ring" + version, 404, "ResourceNotFound"},
		"an unknown provider":           {"GET", sub + "/providers/Toy.Zoo" + version, 404, "InvalidResourceNamespace"},
		"an unknown operation":          {"GET", sub + "/operationresults/!" + version, 404, "OperationNotFound"},
	}
	w := newWorld(t)
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			s := w.ask(c.method, c.path, "")
			if s.status != c.status || s.code() != c.code {
				t.Errorf("got %d %s, want %d %s", s.status, s.text, c.status, c.code)
			}
		})
	}
}

func TestATargetThatIsNoPathIsRefused(t *testing.T) {
	w := newWorld(t)
	r := httptest.NewRequest(http.MethodOptions, "*", nil)
	r.Header.Set("Authorization", "Bearer owner")
	if s := w.want(400, w.send(r)); s.code() != "InvalidRequestUri" {
		t.Error(s.text)
	}
}

func TestAMissingResourceIsNamedAsAzureNamesIt(t *testing.T) {
	w := newWorld(t)
	w.want(201, w.ask("PUT", carts+"/a", here))
	s := w.want(404, w.ask("GET", carts+"/a/wheels/w", ""))
	want := "The Resource 'Toy.Shop/carts/a/wheels/w' under resource group 'rg' was not found. For more details please go to https://aka.ms/ARMResourceNotFoundFix"
	if s.at("error", "message") != want {
		t.Error(s.text)
	}
}

func TestTheNameOfTheVersionParameterMayBeEncodedAndInAnyCase(t *testing.T) {
	w := newWorld(t)
	w.want(200, w.ask("GET", group+"?api%2Dversion=2024-01-01", ""))
	w.want(200, w.ask("GET", group+"?API-Version=2024-01-01", ""))
}

func TestEveryAnswerIsNumbered(t *testing.T) {
	const guid = "22222222-2222-2222-2222-222222222222"
	w := newWorld(t)
	for _, path := range []string{group, carts + "/none"} {
		s := w.ask("GET", path, "", "x-ms-client-request-id", "mine", "x-ms-return-client-request-id", "true", "x-ms-correlation-request-id", guid)
		if s.header.Get("x-ms-request-id") == "" || s.header.Get("x-ms-client-request-id") != "mine" || s.header.Get("x-ms-correlation-request-id") != guid {
			t.Errorf("%s: %v", path, s.header)
		}
	}
}

func TestHeadTellsWhatExists(t *testing.T) {
	w := newWorld(t)
	w.want(http.StatusNoContent, w.ask("HEAD", group, ""))
	w.want(http.StatusNotFound, w.ask("HEAD", sub+"/resourceGroups/none", ""))
}

func TestAnActionIsDoneOnItsResource(t *testing.T) {
	w := newWorld(t)
	w.want(201, w.ask("PUT", carts+"/a", here))
	if s := w.want(200, w.ask("POST", carts+"/a/RING", "")); s.at("rang") != "a" {
		t.Error(s.text)
	}
}

func TestProvidersAreWhatTheRowsSay(t *testing.T) {
	w := newWorld(t)
	s := w.want(200, w.ask("POST", sub+"/providers/toy.shop/register", ""))
	if s.at("namespace") != "Toy.Shop" || s.at("registrationState") != "Registered" {
		t.Error(s.text)
	}
	if all, _ := w.want(200, w.ask("GET", sub+"/providers", "")).at("value").([]any); len(all) != 4 {
		t.Errorf("%d providers", len(all))
	}
}
