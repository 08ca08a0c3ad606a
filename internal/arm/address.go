package arm

import (
	"net/http"
	"slices"
	"strings"

	"lanyard/internal/cloud"
)

// address is a path that belongs to no resource type.
type address struct {
	path     string // in lower case; {} stands for any one segment
	answers  answers
	versions []string // nil: those of Microsoft.Resources
	public   bool     // answered without a token
}

// addresses are all of them. What follows the subscription or group in place of a further {} is
// the call's word.
var addresses = []address{
	{path: "/metadata/endpoints", answers: answers{http.MethodGet: {do: (*Engine).metadata}}, versions: metadataVersions, public: true},
	{path: "/tenants", answers: answers{http.MethodGet: {do: (*Engine).tenants}}},
	{path: "/providers", answers: answers{http.MethodGet: {do: (*Engine).providers}}},
	{path: "/providers/{}", answers: answers{http.MethodGet: {do: (*Engine).namespace}}},
	{path: "/subscriptions/{}/providers", answers: answers{http.MethodGet: {do: (*Engine).providers}}},
	{path: "/subscriptions/{}/providers/{}", answers: answers{http.MethodGet: {do: (*Engine).namespace}}},
	{path: "/subscriptions/{}/providers/{}/register", answers: answers{http.MethodPost: {do: (*Engine).register, operation: toRegister}}},
	{path: "/subscriptions/{}/providers/{}/unregister", answers: answers{http.MethodPost: {do: (*Engine).unregister, operation: toUnregister}}},
	{path: "/subscriptions/{}/locations", answers: answers{http.MethodGet: {do: (*Engine).locations}}},
	{path: "/subscriptions/{}/resources", answers: ofEverything},
	{path: "/subscriptions/{}/resourcegroups/{}/resources", answers: ofEverything},
	{path: "/subscriptions/{}/tagnames", answers: answers{http.MethodGet: {do: (*Engine).tagNames}}},
	{path: "/subscriptions/{}/operationresults/{}", answers: answers{http.MethodGet: {do: (*Engine).result}}},
	{path: "/subscriptions/{}/operationstatuses/{}", answers: answers{http.MethodGet: {do: (*Engine).status}}},
}

var ofEverything = answers{http.MethodGet: {do: (*Engine).listAll, options: []string{"$filter", "$top", "$skiptoken", "$expand"}}}

// special recognises the paths that belong to no type.
func special(text string) (route, bool) {
	said := strings.Split(text[1:], "/")
	i := slices.IndexFunc(addresses, func(a address) bool { return a.fits(said) })
	if i < 0 {
		return route{}, false
	}
	rt := route{address: &addresses[i], answers: addresses[i].answers, id: cloud.Root}
	for n, word := range strings.Split(addresses[i].path[1:], "/") {
		if word != "{}" {
			continue
		}
		if id, err := cloud.ParseID("/" + strings.Join(said[:n+1], "/")); err == nil && (id.Is(typeSubscription) || id.Is(typeGroup)) {
			rt.id = id
			continue
		}
		rt.word = said[n]
	}
	return rt, true
}

func (a address) fits(said []string) bool {
	words := strings.Split(a.path[1:], "/")
	if len(words) != len(said) {
		return false
	}
	for i, word := range words {
		if word != "{}" && !strings.EqualFold(word, said[i]) {
			return false
		}
	}
	return true
}
