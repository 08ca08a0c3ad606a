package msi

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/host"
)

// refused holds an answer against the shape that clients understand.
func refused(t *testing.T, status int, body string, want int, part string) {
	t.Helper()
	var shape struct {
		StatusCode    int
		Message       string
		CorrelationID string `json:"correlationId"`
	}
	if err := json.Unmarshal([]byte(body), &shape); err != nil {
		t.Fatalf("the answer %d %q is not JSON: %v", status, body, err)
	}
	if status != want || shape.StatusCode != want || !strings.Contains(shape.Message, part) || !cloud.IsGUID(shape.CorrelationID) {
		t.Errorf("the answer is %d %s, want %d with %q", status, body, want, part)
	}
}

func TestRefusalsOfQueries(t *testing.T) {
	w := newWorld(t, worn(system, bill)...)
	cases := map[string]struct {
		query string // after api-version and resource, unless it starts with ?
		part  string
	}{
		"no resource":                         {"?api-version=2019-08-01", "resource is missing"},
		"an empty resource":                   {"?api-version=2019-08-01&resource=", "resource is missing"},
		"an unknown resource":                 {"?api-version=2019-08-01&resource=https://evil.example", "AADSTS500011"},
		"a resource in another case":          {"?api-version=2019-08-01&resource=https://VAULT.azure.net", "AADSTS500011"},
		"two selectors":                       {"&client_id=" + guid(22) + "&object_id=" + guid(21), "Only one selector"},
		"two spellings of one selector":       {"&principal_id=" + guid(21) + "&object_id=" + guid(21), "Only one selector"},
		"a selector given twice":              {"&client_id=" + guid(22) + "&client_id=" + guid(22), "given twice"},
		"the resource given twice":            {"&resource=https://vault.azure.net", "given twice"},
		"the version given twice":             {"&api-version=2019-08-01", "given twice"},
		"a selector in another case":          {"&Client_Id=" + guid(22), "is spelled"},
		"a resource once more, in other case": {"&RESOURCE=https://vault.azure.net", "is spelled"},
		"a broken percent-encoding":           {"&client_id=%zz", "percent-encoded"},
		"an identity of nobody":               {"&client_id=" + guid(99), appService2019.absent},
		"an identity of another app":          {"&client_id=" + guid(32), appService2019.absent},
		"its object id":                       {"&object_id=" + guid(31), appService2019.absent},
		"its resource id":                     {"&mi_res_id=" + audits.String(), "identity assign --name hello --resource-group rg --user-assigned " + audits.String()},
		"a resource id of nothing":            {"&mi_res_id=" + audits.String() + "x", "lanyard identity create --name auditsx"},
		"a resource id that is none":          {"&mi_res_id=billing", appService2019.absent},
		"a client id as an object id":         {"&object_id=" + guid(22), appService2019.absent},
		"the system-assigned one by id":       {"&client_id=" + guid(12), "ask without client_id"},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := w.ask(t, c.query)
			if strings.HasPrefix(c.query, "?") {
				r = w.ask(t, "")
				r.URL.RawQuery = c.query[1:]
			}
			status, body := w.send(t, r)
			refused(t, status, body, http.StatusBadRequest, c.part)
		})
	}
	if w.minted() > 0 {
		t.Errorf("refusals minted %d tokens", w.minted())
	}
}

func TestWithoutASelectorOnlyTheSystemAssignedIdentityIsMeant(t *testing.T) {
	only := newWorld(t, worn(bill)...)
	status, body := only.send(t, only.ask(t, ""))
	refused(t, status, body, http.StatusBadRequest, appService2019.absent+" Try: set AZURE_CLIENT_ID="+guid(22))
	none := newWorld(t)
	status, body = none.send(t, none.ask(t, ""))
	refused(t, status, body, http.StatusBadRequest, "lanyard containerapp identity assign --name hello --resource-group rg --system-assigned")
}

func TestOtherVersionsAreRefusedInTheProxysShape(t *testing.T) {
	w := newWorld(t, worn(system)...)
	for _, version := range []string{"", "api-version=&", "api-version=2018-02-01&", "api-version=2019-07-01-preview&", "api-version=2019-08-01x&"} {
		r := w.ask(t, "")
		r.URL.RawQuery = version + "resource=https://vault.azure.net"
		status, body := w.send(t, r)
		var shape struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal([]byte(body), &shape); err != nil || status != http.StatusBadRequest ||
			shape.Error.Code != "UnsupportedApiVersion" || shape.Error.Message == "" {
			t.Errorf("%q is answered %d %s", version, status, body)
		}
	}
}

// TestRequestsThatDidNotComeFromTheReplica runs the cases of T1, T2 and T3 that a client library
// can make.
func TestRequestsThatDidNotComeFromTheReplica(t *testing.T) {
	w := newWorld(t, worn(system)...)
	with := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header[name] = append(r.Header[name], value) }
	}
	cases := map[string]struct {
		change func(*http.Request)
		want   int
	}{
		"T1: no header":        {func(r *http.Request) { r.Header.Del("X-Identity-Header") }, 401},
		"T1: an empty header":  {func(r *http.Request) { r.Header.Set("X-Identity-Header", "") }, 401},
		"T1: the wrong header": {func(r *http.Request) { r.Header.Set("X-Identity-Header", guid(1)) }, 401},
		"T1: its case changed": {func(r *http.Request) { r.Header.Set("X-Identity-Header", strings.ToUpper(w.replica.Header.Open())+"A") }, 401},
		"T1: the header twice": {with("X-Identity-Header", w.replica.Header.Open()), 401},
		"T1: Metadata instead": {func(r *http.Request) { r.Header.Del("X-Identity-Header"); r.Header.Set("Metadata", "true") }, 401},
		"T1: the header in query": {func(r *http.Request) {
			r.Header.Del("X-Identity-Header")
			r.URL.RawQuery += "&X-IDENTITY-HEADER=" + w.replica.Header.Open()
		}, 401},
		"T1: POST":                {func(r *http.Request) { r.Method = "POST" }, 405},
		"T1: PUT":                 {func(r *http.Request) { r.Method = "PUT" }, 405},
		"T1: OPTIONS":             {func(r *http.Request) { r.Method = "OPTIONS" }, 405},
		"T1: a double slash":      {func(r *http.Request) { r.URL.Path = "/" + r.URL.Path }, 400},
		"T1: a dot segment":       {func(r *http.Request) { r.URL.Path = strings.Replace(r.URL.Path, "/msi", "/./msi", 1) }, 400},
		"T1: an encoded dot":      {func(r *http.Request) { r.URL.Opaque = strings.Replace(r.URL.Path, "/msi", "/%2e/msi", 1) }, 400},
		"T1: an encoded slash":    {func(r *http.Request) { r.URL.Opaque = strings.Replace(r.URL.Path, "/msi", "%2fmsi", 1) }, 400},
		"T1: another path":        {func(r *http.Request) { r.URL.Path = "/r/" + w.replica.Name + "/msi" }, 400},
		"T1: no replica":          {func(r *http.Request) { r.URL.Path = "/r/somebody-else/msi/token" }, 401},
		"T2: X-Forwarded-For":     {with("X-Forwarded-For", "10.0.0.1"), 400},
		"T2: it, but empty":       {with("X-Forwarded-For", ""), 400},
		"T2: X-Forwarded-Host":    {with("X-Forwarded-Host", "a"), 400},
		"T2: X-Real-IP":           {with("X-Real-Ip", "10.0.0.1"), 400},
		"T2: Forwarded":           {with("Forwarded", "for=10.0.0.1"), 400},
		"T2: Via":                 {with("Via", "1.1 proxy"), 400},
		"T3: a foreign host":      {func(r *http.Request) { r.Host = "attacker.test" }, 400},
		"T3: the same, with port": {func(r *http.Request) { r.Host = "attacker.test:" + r.URL.Port() }, 400},
		"T3: another port":        {func(r *http.Request) { r.Host = "127.0.0.1:1" }, 400},
		"T3: no port":             {func(r *http.Request) { r.Host = "127.0.0.1" }, 400},
		"T3: Origin":              {with("Origin", "http://127.0.0.1"), 400},
		"T3: Sec-Fetch-Site":      {with("Sec-Fetch-Site", "same-origin"), 400},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			r := w.ask(t, "")
			c.change(r)
			status, body := w.send(t, r)
			refused(t, status, body, c.want, "")
		})
	}
	if w.minted() > 0 {
		t.Errorf("refusals minted %d tokens", w.minted())
	}
}

// TestRequestsThatNoClientLibraryMakes writes bytes of its own (T1).
func TestRequestsThatNoClientLibraryMakes(t *testing.T) {
	w := newWorld(t, worn(system)...)
	path := strings.TrimPrefix(w.endpoint(), w.server.URL) + "?api-version=2019-08-01&resource=https://vault.azure.net"
	header := "X-IDENTITY-HEADER: " + w.replica.Header.Open() + "\r\n"
	for name, request := range map[string]string{
		"HTTP/1.0":            "GET " + path + " HTTP/1.0\r\nHost: " + w.door.Address + "\r\n" + header,
		"an absolute URI":     "GET http://" + w.door.Address + path + " HTTP/1.1\r\nHost: " + w.door.Address + "\r\n" + header,
		"no host":             "GET " + path + " HTTP/1.1\r\n" + header,
		"a continued header":  "GET " + path + " HTTP/1.1\r\nHost: " + w.door.Address + "\r\nX-IDENTITY-HEADER: " + w.replica.Header.Open()[:8] + "\r\n " + w.replica.Header.Open()[8:] + "\r\n",
		"a space in its name": "GET " + path + " HTTP/1.1\r\nHost: " + w.door.Address + "\r\nX-IDENTITY-HEADER : " + w.replica.Header.Open() + "\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", w.door.Address)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			fmt.Fprint(conn, request+"Connection: close\r\n\r\n")
			answer, err := http.ReadResponse(bufio.NewReader(conn), nil)
			if err != nil {
				t.Fatal(err)
			}
			defer answer.Body.Close()
			body, _ := io.ReadAll(answer.Body)
			if answer.StatusCode < 400 || answer.StatusCode > 499 {
				t.Errorf("the answer is %d %s", answer.StatusCode, body)
			}
		})
	}
	if w.minted() > 0 {
		t.Errorf("refusals minted %d tokens", w.minted())
	}
}

func TestAllNamesOfTheLoopbackAreServed(t *testing.T) {
	w := newWorld(t, worn(system)...)
	for _, name := range []string{"127.0.0.1", "localhost", "[::1]"} {
		r := w.ask(t, "")
		r.Host = name + ":" + r.URL.Port()
		if status, body := w.send(t, r); status != http.StatusOK {
			t.Errorf("%s is answered %d %s", r.Host, status, body)
		}
	}
}

func TestAHeaderIsValidOnlyWhileItsReplicaLives(t *testing.T) {
	w := newWorld(t, worn(system)...)
	other, err := w.host.Attach(t.Context(), hello, host.Attachment{})
	if err != nil {
		t.Fatal(err)
	}
	r := w.ask(t, "")
	r.Header.Set("X-IDENTITY-HEADER", other.Header.Open())
	status, body := w.send(t, r)
	refused(t, status, body, http.StatusUnauthorized, "X-IDENTITY-HEADER")
}

func TestEveryKindOfFaultIsSpelledSoThatClientsDoNotWait(t *testing.T) {
	d := &Door{}
	for _, kind := range fault.Kinds() {
		rec := httptest.NewRecorder()
		d.speakAppService(rec, httptest.NewRequest("GET", "/", nil), fault.New(kind, "Code", "A sentence.").Try("this"))
		if rec.Code == 404 || rec.Code == 410 || rec.Code < 400 {
			t.Errorf("%s is answered %d", kind, rec.Code)
		}
		want := fmt.Sprintf(`{"statusCode":%d,"message":"A sentence. Try: this","correlationId":""}`, rec.Code)
		if rec.Body.String() != want {
			t.Errorf("%s is spelled %s", kind, rec.Body)
		}
		rec = httptest.NewRecorder()
		d.speakIMDS(rec, httptest.NewRequest("GET", "/", nil), fault.New(kind, "Code", "A sentence.").Try("this"))
		var shape struct {
			Error       string `json:"error"`
			Description string `json:"error_description"`
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &shape); err != nil || shape.Error == "" || shape.Description != "A sentence. Try: this" || rec.Code != kind.Status() {
			t.Errorf("%s is spelled %d %s", kind, rec.Code, rec.Body)
		}
	}
}
