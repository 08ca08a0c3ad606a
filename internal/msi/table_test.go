package msi

import (
	"errors"
	"flag"
	"fmt"
	"net/http"
	"os"
	"regexp"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/host"
)

// go test -run TestEveryRefusal -v ./internal/msi -refusals | grep '^|' prints the table for docs.
var printing = flag.Bool("refusals", false, "print the table of refusals in Markdown")

// situation is one in which a protocol refuses.
type situation struct {
	name   string
	of     string // where the refusal is described: a heading of wire-facts, or what docs/parity.md numbers
	worn   []cloud.Identity
	before func(t *testing.T, w *world)
	change func(w *world, d dialect, r *http.Request)
	// The status, and the beginning of the body, by kind of protocol; "" is one that does not apply.
	status          int
	service, legacy string // App Service, and its protocol of 2017 where that differs
	imds, arc       string // arc where it differs
}

var errUnsigned = fault.New(fault.Unavailable, "temporarily_unavailable", "There is no signing key that is valid now.")

const both = `{"error":"invalid_request","error_description":"`

func text(sentence string) string {
	return `{"statusCode":400,"message":"` + sentence
}

func more(query func(d dialect) string) func(w *world, d dialect, r *http.Request) {
	return func(_ *world, d dialect, r *http.Request) { r.URL.RawQuery += query(d) }
}

func clientOf(d dialect) string {
	if d.protocol == appService2017 {
		return "clientid"
	}
	return "client_id"
}

var situations = []situation{
	{name: "no header", of: `"Errors"`, status: 401, change: func(_ *world, d dialect, r *http.Request) { r.Header.Del(d.header) },
		service: `{"statusCode":401,"message":"The header X-IDENTITY-HEADER is missing or wrong.`},
	{name: "a wrong header", of: `"Environment variables and precedence"`, status: 401, change: func(_ *world, d dialect, r *http.Request) { r.Header.Set(d.header, guid(1)) },
		service: `{"statusCode":401,"message":"The header X-IDENTITY-HEADER is missing or wrong.`, legacy: `{"statusCode":401,"message":"The header secret is missing or wrong.`},
	{name: "no Metadata header", of: `"Errors"`, status: 400, change: func(_ *world, d dialect, r *http.Request) { r.Header.Del("Metadata") },
		imds: both + "Required metadata header not specified"},
	{name: "X-Forwarded-For", of: `"IMDS"`, status: 400, change: func(_ *world, _ dialect, r *http.Request) { r.Header.Set("X-Forwarded-For", "10.0.0.1") },
		service: text("The token endpoint does not answer requests that carry X-Forwarded-For"), imds: both + "The token endpoint does not answer requests that carry X-Forwarded-For"},
	{name: "a foreign Host", of: "T3", status: 400, change: func(_ *world, _ dialect, r *http.Request) { r.Host = "attacker.test" },
		service: text("The token endpoint is not known under this host name."), imds: both + "The token endpoint is not known under this host name."},
	{name: "POST", of: `"Errors"`, status: 405, change: func(_ *world, _ dialect, r *http.Request) { r.Method = "POST" },
		service: `{"statusCode":405,"message":"The token endpoint answers GET only`, imds: both + "The token endpoint answers GET only"},
	{name: "no api-version", of: `"Errors"`, status: 400, change: func(_ *world, _ dialect, r *http.Request) { r.URL.RawQuery = "resource=https://vault.azure.net" },
		service: `{"error":{"code":"UnsupportedApiVersion","message":"The api-version is missing; supported are `, imds: both + "The api-version is missing; supported are "},
	{name: "an unknown api-version", of: `"Errors"`, status: 400, change: func(_ *world, d dialect, r *http.Request) {
		r.URL.RawQuery = strings.Replace(r.URL.RawQuery, d.version, "2099-01-01", 1)
	}, service: `{"error":{"code":"UnsupportedApiVersion","message":"The api-version '2099-01-01' is not supported`, imds: both + "The api-version '2099-01-01' is not supported"},
	{name: "no resource", of: `"Errors"`, status: 400, change: func(_ *world, d dialect, r *http.Request) { r.URL.RawQuery = "api-version=" + d.version },
		service: text("The query parameter resource is missing."), imds: both + "The query parameter resource is missing."},
	{name: "an unknown resource", of: `"Errors"`, status: 400, change: func(_ *world, _ dialect, r *http.Request) { r.URL.RawQuery += ".example" },
		service: text("AADSTS500011: The resource principal named https://vault.azure.net.example was not found in the tenant."),
		imds:    `{"error":"invalid_resource","error_description":"AADSTS500011: The resource principal named https://vault.azure.net.example was not found in the tenant.`},
	{name: "no system-assigned identity, none selected", of: `"Errors"`, status: 400, worn: worn(bill),
		service: text("Unable to load the proper Managed Identity."), legacy: text("Unable to load requested managed identity."), arc: both + "Identity not found"},
	{name: "no identity at all", of: `"Errors"`, status: 400, worn: []cloud.Identity{},
		service: text("Unable to load the proper Managed Identity."), legacy: text("Unable to load requested managed identity."), imds: both + "Identity not found"},
	{name: "several, none selected", of: `"Errors"`, status: 400, worn: worn(bill, audit), imds: both + "Multiple user assigned identities exist, please specify the clientId / resourceId of the identity in the token request", arc: both + "Identity not found"},
	{name: "an identity that is not attached", of: `"Errors"`, status: 400, change: more(func(d dialect) string { return query(clientOf(d), audit.Client) }),
		service: text("Unable to load the proper Managed Identity."), legacy: text("Unable to load requested managed identity."), imds: both + "Identity not found"},
	{name: "an identity that was deleted", of: "ID-4", status: 400, before: func(_ *testing.T, w *world) { w.gone[bill.ID] = true },
		change:  more(func(d dialect) string { return query(clientOf(d), bill.Client) }),
		service: text("Unable to load the proper Managed Identity."), legacy: text("Unable to load requested managed identity."), imds: both + "Identity not found"},
	{name: "two selectors", of: "TK-3", status: 400, change: more(func(dialect) string { return query("client_id", bill.Client) + query("object_id", bill.ID) }),
		service: text("Only one selector of an identity can be given; here are client_id and object_id."), imds: both + "Only one selector of an identity can be given; here are client_id and object_id."},
	{name: "another protocol's selector", of: "T19", status: 400, change: more(func(d dialect) string {
		if d.protocol == appService2017 {
			return query("client_id", bill.Client)
		}
		return query("clientid", bill.Client)
	}), service: text("The query parameter clientid names no identity in the protocol"), legacy: text("The query parameter client_id names no identity in the protocol"), imds: both + "The query parameter clientid names no identity in the protocol"},
	{name: "a parameter given twice", of: "T19", status: 400, change: more(func(dialect) string { return "&resource=https://vault.azure.net" }),
		service: text("The query parameter resource is given twice."), imds: both + "The query parameter resource is given twice."},
	{name: "a parameter in another case", of: "T19", status: 400, change: more(func(dialect) string { return "&Client_ID=" + guid(1) }),
		service: text(`The query parameter client_id is spelled \"Client_ID\".`), imds: both + `The query parameter client_id is spelled \"Client_ID\".`},
	{name: "a container that its lifecycle leaves out", of: `"Container Apps specifics"`, status: 400, worn: func() []cloud.Identity { ids := worn(system); ids[0].Lifecycle = cloud.Init; return ids }(),
		service: text("Unable to load the proper Managed Identity."), legacy: text("Unable to load requested managed identity."), imds: both + "Identity not found"},
	{name: "WEBSITE_DISABLE_MSI", of: "TK-7", status: 400, before: func(t *testing.T, w *world) {
		w.attach(t, host.Attachment{Source: w.replica.Source, MSIDisabled: true})
	},
		service: text("The app's token service is turned off by WEBSITE_DISABLE_MSI."), imds: both + "The app's token service is turned off by WEBSITE_DISABLE_MSI."},
	{name: "too many requests", of: "TK-8", status: 429, before: func(_ *testing.T, w *world) { w.door.Limits = Limits{Rate: 1e-9, AtOnce: 1} },
		change: func(w *world, _ dialect, _ *http.Request) { _, _ = w.door.enter(w.replica) },
		imds:   `{"error":"too_many_requests","error_description":"Too many requests: `, arc: "-"},
	{name: "another process", of: "TK-15", status: 401, before: func(t *testing.T, w *world) { w.started(t, 1, w.replica.Source) },
		service: `{"statusCode":401,"message":"The calling process is not one of the replica's.`, imds: `{"error":"unknown_source","error_description":"The calling process is not one of the replica's.`},
	{name: "no key", of: `"Azure Arc"`, status: 401, change: func(_ *world, _ dialect, r *http.Request) { r.Header.Del("Authorization") },
		arc: `{"error":"unauthorized_client","error_description":"Missing Basic Authorization header"`},
	{name: "a used key", of: "T9", status: 401, change: func(_ *world, _ dialect, r *http.Request) {
		if answer, err := http.DefaultClient.Do(r.Clone(r.Context())); err == nil {
			answer.Body.Close()
		}
	},
		arc: `{"error":"unauthorized_client","error_description":"The key is not one that this replica was just given`},
	{name: "no signing key", of: "T24", status: 503, before: func(_ *testing.T, w *world) { w.fail = errUnsigned },
		service: `{"statusCode":503,"message":"There is no signing key that is valid now.`, imds: `{"error":"temporarily_unavailable","error_description":"There is no signing key that is valid now.`},
	{name: "our own fault", of: `"Errors"`, status: 500, before: func(_ *testing.T, w *world) { w.fail = errors.New("oh") },
		service: `{"statusCode":500,"message":"Something went wrong on our side`, imds: `{"error":"unknown","error_description":"Something went wrong on our side`},
}

// expected gives how a protocol is to begin its answer; false where the situation is none of its.
func (s situation) expected(p *protocol) (string, bool) {
	want := s.service
	switch {
	case p == appService2017 && s.legacy != "":
		want = s.legacy
	case p == arc && s.arc != "":
		want = strings.TrimPrefix(s.arc, "-")
	case p.header == "":
		want = s.imds
	}
	return want, want != ""
}

var changing = []struct{ from, to string }{
	{`[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8}Z`, "TIME"}, {`00000000-0000-4000-8000-0000000000([0-9]{2})`, "ID-$1"},
	{`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}`, "GUID"}, {`/r/[^/]+/`, "/r/REPLICA/"},
	{`supported are [^"]*"`, `supported are ..."`}, {`Basic [0-9a-f]{64}`, "Basic KEY"},
}

// plain takes out of a text what differs each time.
func plain(text string) string {
	for _, c := range changing {
		text = regexp.MustCompile(c.from).ReplaceAllString(text, c.to)
	}
	return strings.ReplaceAll(strings.TrimSpace(text), "|", `\|`)
}

// TestEveryRefusal is the table of refusals: for each protocol and situation the request, the status and
// the body (wire-facts: "Errors").
func TestEveryRefusal(t *testing.T) {
	rows := []string{"| protocol | situation | request | status | body |", "|---|---|---|---|---|"}
	for _, s := range situations {
		for _, d := range dialects {
			want, applies := s.expected(d.protocol)
			if !applies {
				continue
			}
			t.Run(s.name+", "+d.protocol.name, func(t *testing.T) {
				ids := s.worn
				if ids == nil {
					ids = worn(system, bill)
				}
				w := newWorld(t, ids...)
				w.attach(t, host.Attachment{Source: d.source})
				key := w.replica
				if s.before != nil {
					s.before(t, w)
				}
				asked := d
				if key != w.replica || s.status == 429 {
					asked.protocol = &protocol{header: d.protocol.header} // no key is to be had
				}
				r := asked.ask(t, w, "")
				if s.change != nil {
					s.change(w, d, r)
				}
				status, body := w.send(t, r)
				if status != s.status || !strings.HasPrefix(body, want) {
					t.Errorf("the answer is %d %s, want %d %s", status, body, s.status, want)
				}
				if w.minted() > 0 && s.status < 500 && s.name != "a used key" {
					t.Errorf("%d tokens were minted", w.minted())
				}
				request := r.Method + " " + r.URL.RequestURI()
				for _, name := range []string{"X-Identity-Header", "Secret", "Metadata", "Authorization", "X-Forwarded-For"} {
					if r.Header.Get(name) != "" {
						request += "; " + name + ": " + strings.NewReplacer(w.replica.Header.Open(), "HEADER").Replace(r.Header.Get(name))
					}
				}
				rows = append(rows, fmt.Sprintf("| %s | %s (%s) | `%s` | %d | `%s` |", d.protocol.name, s.name, s.of, plain(request), status, plain(body)))
			})
		}
	}
	if *printing {
		fmt.Println(strings.Join(rows, "\n"))
		return
	}
	document, err := os.ReadFile("../../docs/refusals.md")
	if err != nil {
		t.Fatal(err)
	}
	if _, table, _ := strings.Cut(string(document), "\n\n|"); "|"+table != strings.Join(rows, "\n")+"\n" && !t.Failed() {
		t.Error("docs/refusals.md holds another table: print it with go test -run TestEveryRefusal -v ./internal/msi -refusals | grep '^|'")
	}
}
