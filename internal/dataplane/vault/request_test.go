package vault

import (
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"lanyard/internal/cloud"
	"lanyard/internal/fault"
	"lanyard/internal/token"
)

const query = "?api-version=7.4"

// TestRequests tells one story: each request is made in the world that those before it left.
func TestRequests(t *testing.T) {
	w := newWorld(t)
	long, bare := strings.Repeat("x", maxValue), strings.Repeat("n", maxName)
	for _, step := range []struct {
		claim  string
		by     cloud.PrincipalID
		method string
		target string
		body   string
		status int
		want   string // a regular expression for the body
	}{
		{"no token", "", "GET", "/secrets/db/" + query, "", 401, `^{"error":{"code":"Unauthorized","message":"AKV10000: Request is missing a Bearer or PoP token."}}$`},
		{"a secret that is not there", reader, "GET", "/secrets/db/" + query, "", 404, `"code":"SecretNotFound","message":"A secret with \(name/id\) db was not found in this key vault. If you recently`},
		{"set", officer, "PUT", "/secrets/DB" + query, `{"value":"one","tags":{"a":"b"},"contentType":"text/plain","attributes":{"exp":2000000000}}`, 200,
			`^{"value":"one","contentType":"text/plain","id":"https://hello-kv.vault.azure.net/secrets/DB/[0-9a-f]{32}","attributes":{"enabled":true,"exp":2000000000,"created":\d+,"updated":\d+,"recoveryLevel":"Recoverable\+Purgeable","recoverableDays":90},"tags":{"a":"b"}}$`},
		{"get with a trailing slash", reader, "GET", "/secrets/db/" + query, "", 200, `"value":"one"`},
		{"get without one", reader, "GET", "/secrets/db" + query, "", 200, `"value":"one"`},
		{"an escaped query name", reader, "GET", "/secrets/db/?api%2Dversion=2025-07-01", "", 200, `"value":"one"`},
		{"the version of old scripts", reader, "GET", "/secrets/db/?api-version=2016-10-01", "", 200, `"value":"one"`},
		{"the version of the newest SDK", reader, "GET", "/secrets/db/?api-version=2026-04-01", "", 200, `"value":"one"`},
		{"a preview", reader, "GET", "/secrets/db/?api-version=7.6-preview.2", "", 200, `"value":"one"`},
		{"no api-version", reader, "GET", "/secrets/db/", "", 400, `^{"error":{"code":"BadParameter","message":"api-version must be specified"}}$`},
		{"a malformed api-version", reader, "GET", "/secrets/db/?api-version=latest", "", 400, `The specified version \(latest\) is not recognized. Consider using the latest supported version \(2026-04-01\).`},
		{"two api-versions", reader, "GET", "/secrets/db/?api-version=7.4&api-version=7.5", "", 400, "BadParameter"},
		{"a query that cannot be read", reader, "GET", "/secrets/db/?api-version=7.4&%zz", "", 400, "BadParameter"},
		{"a grant at the secret reaches no other", reader, "GET", "/secrets/dbx/" + query, "", 403, "ForbiddenByRbac"},
		{"a reader does not set", reader, "PUT", "/secrets/db" + query, `{"value":"two"}`, 403, "setSecret/action"},
		{"a reader of one secret does not list", reader, "GET", "/secrets" + query, "", 403, "readMetadata/action"},
		{"a second version, disabled", officer, "PUT", "/secrets/db" + query, `{"value":"two","attributes":{"enabled":false,"recoveryLevel":"x"}}`, 200, `"enabled":false`},
		{"a disabled secret stays closed", reader, "GET", "/secrets/db/" + query, "", 403, `"message":"Operation get is not allowed on a disabled secret.","innererror":{"code":"SecretDisabled"}`},
		{"update enables it and leaves the rest", officer, "PATCH", "/secrets/db/" + query, `{"attributes":{"enabled":true}}`, 200, `^{"id":"[^"]*/secrets/DB/`},
		{"and it opens", reader, "GET", "/secrets/db/" + query, "", 200, `"value":"two"`},
		{"update changes no value", officer, "PATCH", "/secrets/db/" + query, `{"value":"x"}`, 400, "BadParameter"},
		{"a version that is not there", officer, "PATCH", "/secrets/db/" + strings.Repeat("0", 32) + query, `{}`, 404, "SecretNotFound"},
		{"a version of another shape", reader, "GET", "/secrets/db/1" + query, "", 404, `\(name/id\) db/1 was`},
		{"a name with an underscore", officer, "PUT", "/secrets/my_secret" + query, `{"value":"x"}`, 400, "invalid name: my_secret"},
		{"a name with a slash in it", officer, "GET", "/secrets/a%2Fb/" + query, "", 400, "invalid name: a/b"},
		{"the longest name", officer, "PUT", "/secrets/" + bare + query, `{"value":"x"}`, 200, bare},
		{"one letter more", officer, "PUT", "/secrets/" + bare + "n" + query, `{"value":"x"}`, 400, "invalid name"},
		{"the largest value", officer, "PUT", "/secrets/big" + query, `{"value":"` + long + `"}`, 200, "x"},
		{"one byte more", officer, "PUT", "/secrets/big" + query, `{"value":"` + long + `x"}`, 400, "larger than 25600 bytes"},
		{"a body past all bounds", officer, "PUT", "/secrets/big" + query, `{"value":"` + strings.Repeat(long, 12) + `"}`, 413, "RequestContentTooLarge"},
		{"sixteen tags", officer, "PUT", "/secrets/db" + query, `{"value":"x","tags":{` + tags(16) + `}}`, 400, "at most 15"},
		{"fifteen tags", officer, "PUT", "/secrets/tagged" + query, `{"value":"x","tags":{` + tags(15) + `}}`, 200, "t15"},
		{"no value", officer, "PUT", "/secrets/db" + query, `{}`, 400, "no value"},
		{"no body", officer, "PUT", "/secrets/db" + query, ``, 400, "BadParameter"},
		{"a member that is not known", officer, "PUT", "/secrets/db" + query, `{"value":"x","policy":{}}`, 400, "unknown field"},
		{"more than one object", officer, "PUT", "/secrets/db" + query, `{"value":"x"}{}`, 400, "BadParameter"},
		{"a time before 1970", officer, "PUT", "/secrets/db" + query, `{"value":"x","attributes":{"nbf":-1}}`, 400, "nbf or exp"},
		{"no pages of a hundred", officer, "GET", "/secrets" + query + "&maxresults=100", "", 400, "maxresults"},
		{"no foreign skiptoken", officer, "GET", "/secrets" + query + "&$skiptoken=eyJh", "", 400, "skiptoken"},
		{"list", officer, "GET", "/secrets" + query + "&maxresults=2", "", 200, `^{"value":\[{"id":"https://hello-kv.vault.azure.net/secrets/big",.*"nextLink":"https://hello-kv.vault.azure.net/secrets\?api-version=7.4\\u0026\$skiptoken=\w+\\u0026maxresults=2"}$`},
		{"delete", officer, "DELETE", "/secrets/db" + query, "", 200, `"recoveryId":"https://hello-kv.vault.azure.net/deletedsecrets/DB","deletedDate":\d+,"scheduledPurgeDate":\d+`},
		{"a deleted secret is not found", reader, "GET", "/secrets/db/" + query, "", 404, "SecretNotFound"},
		{"nor its versions", officer, "GET", "/secrets/db/versions" + query, "", 404, "SecretNotFound"},
		{"nor deleted again", officer, "DELETE", "/secrets/db" + query, "", 404, "SecretNotFound"},
		{"nor updated", officer, "PATCH", "/secrets/db/" + query, "{}", 404, "SecretNotFound"},
		{"its name stays taken", officer, "PUT", "/secrets/db" + query, `{"value":"x"}`, 409, `"code":"Conflict","message":"Secret DB is currently in a deleted but recoverable state.*"innererror":{"code":"ObjectIsDeletedButRecoverable"}`},
		{"get deleted", officer, "GET", "/deletedsecrets/db" + query, "", 200, `"recoveryId"`},
		{"list deleted", officer, "GET", "/deletedsecrets" + query, "", 200, `^{"value":\[{[^\[]*"id":"https://hello-kv.vault.azure.net/secrets/DB"[^\]]*\]}$`},
		{"recover", officer, "POST", "/deletedsecrets/db/recover" + query, "", 200, `"id":"[^"]*/secrets/DB/`},
		{"with its value", reader, "GET", "/secrets/db/" + query, "", 200, `"value":"two"`},
		{"what is in use is not recovered", officer, "POST", "/deletedsecrets/db/recover" + query, "", 404, "Deleted Secret not found: db"},
		{"nor purged", officer, "DELETE", "/deletedsecrets/db" + query, "", 404, "Deleted Secret not found: db"},
		{"delete again", officer, "DELETE", "/secrets/db" + query, "", 200, "recoveryId"},
		{"purge", officer, "DELETE", "/deletedsecrets/db" + query, "", 204, "^$"},
		{"nothing is left", officer, "GET", "/deletedsecrets/db" + query, "", 404, "Deleted Secret not found: db"},
		{"and the name is free", officer, "PUT", "/secrets/db" + query, `{"value":"anew"}`, 200, "anew"},
		{"backup", officer, "POST", "/secrets/db/backup" + query, "", 501, "do not offer backups of secrets"},
		{"restore", officer, "POST", "/secrets/restore" + query, "{}", 501, "restoring backups"},
		{"keys", officer, "POST", "/keys/k/create" + query, "{}", 501, "do not offer keys"},
		{"certificates", officer, "GET", "/certificates" + query, "", 501, "do not offer certificates"},
		{"outContentType", officer, "GET", "/secrets/db/" + query + "&outContentType=pem", "", 501, "outContentType"},
		{"a method that is none", officer, "POST", "/secrets/db" + query, "", 405, "MethodNotAllowed"},
		{"a path that is none", officer, "GET", "/elsewhere" + query, "", 404, "ResourceNotFound"},
	} {
		rec := w.ask(step.by, step.method, step.target, step.body)
		if rec.Code != step.status || !regexp.MustCompile(step.want).MatchString(rec.Body.String()) {
			t.Errorf("%s: %s %s gave %d %.600s; want %d %s", step.claim, step.method, step.target, rec.Code, rec.Body, step.status, step.want)
		}
	}
}

func tags(n int) string {
	var all []string
	for i := range n {
		all = append(all, `"t`+string(rune('0'+(i+1)/10))+string(rune('0'+(i+1)%10))+`":"v"`)
	}
	return strings.Join(all, ",")
}

func TestTheChallengeIsTheServicesOwn(t *testing.T) {
	w := newWorld(t)
	for name, authorization := range map[string]string{
		"without a token": "", "with another scheme": "Basic dTpw", "with a malformed token": "Bearer abc",
		"with a wrong audience": "Bearer " + w.token(reader, func(c *token.Claims) { c.Audience = "https://vault.azure.net/" }),
	} {
		rec := w.send(authorization, http.MethodGet, "/secrets/db/"+query, "")
		want := `Bearer authorization="https://login.microsoftonline.com/` + string(tenant) + `", resource="https://vault.azure.net"`
		if got := rec.Header().Get("WWW-Authenticate"); rec.Code != 401 || got != want {
			t.Errorf("%s: got %d %s, want %s", name, rec.Code, got, want)
		}
		if rec.Header().Get("x-ms-keyvault-region") != "westeurope" || !cloud.IsGUID(rec.Header().Get("x-ms-request-id")) {
			t.Errorf("%s: headers are %v", name, rec.Header())
		}
	}
}

func TestEveryAnswerHasTheServicesHeaders(t *testing.T) {
	w := newWorld(t)
	w.ask(officer, http.MethodPut, "/secrets/db"+query, `{"value":"v"}`)
	for _, by := range []cloud.PrincipalID{officer, reader, ""} {
		for _, target := range []string{"/secrets/db/" + query, "/secrets/none/" + query, "/secrets/db/", "/keys" + query, "/nothing" + query} {
			h := w.ask(by, http.MethodGet, target, "").Header()
			for name, want := range map[string]string{"Content-Type": "application/json; charset=utf-8", "Cache-Control": "no-cache", "Pragma": "no-cache",
				"Expires": "-1", "X-Content-Type-Options": "nosniff", "x-ms-keyvault-region": "westeurope", "x-ms-keyvault-service-version": "1.0.0.0"} {
				if got := h.Get(name); got != want {
					t.Errorf("%s for %q: %s is %q, want %q", target, by, name, got, want)
				}
			}
		}
	}
	for sent, want := range map[string]string{"0f5c-1": "0f5c-1", strings.Repeat("a", 129): "", "": "", "a\x01": ""} {
		r := httptest.NewRequest(http.MethodGet, "https://"+host+"/secrets/db/"+query, nil)
		r.Header["X-Ms-Client-Request-Id"] = []string{sent}
		rec := httptest.NewRecorder()
		w.routes.ServeHTTP(rec, r)
		if got := rec.Header().Get("x-ms-client-request-id"); got != want {
			t.Errorf("the client's id %q comes back as %q", sent, got)
		}
	}
}

func TestA401SaysWhatIsWrongWithTheToken(t *testing.T) {
	w := newWorld(t)
	for _, given := range []struct {
		change func(*token.Claims)
		want   string
		fresh  bool
	}{
		{func(c *token.Claims) { c.Audience = "https://vault.azure.net/" },
			"AKV10022: Invalid audience. Expected https://vault.azure.net or cfa8b339-82a2-471a-a3c9-0fc0be7a4093, found: https://vault.azure.net/.", false},
		{func(c *token.Claims) { c.Issuer = "https://sts.windows.net/x/" },
			"AKV10032: Invalid issuer. Expected one of https://sts.windows.net/" + string(tenant) + "/, found https://sts.windows.net/x/.", false},
		{func(c *token.Claims) { c.Expires = w.clock().Add(-time.Hour).Unix() }, "Error validating token: expired: it ended at ", true},
		{func(c *token.Claims) { c.Principal, c.Subject = "gone", "gone" }, "Error validating token: principal gone: ", true},
	} {
		rec := w.send("Bearer "+w.token(reader, given.change), http.MethodGet, "/secrets/db/"+query, "")
		var body errorBody
		if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
			t.Fatal(err)
		}
		if rec.Code != 401 || body.Error.Code != "Unauthorized" || !strings.HasPrefix(body.Error.Message, given.want) {
			t.Errorf("got %d %v, want %s", rec.Code, body, given.want)
		}
		fresh := regexp.MustCompile(`^Bearer authorization="[^"]+", resource="[^"]+", error="insufficient_claims", claims="[A-Za-z0-9+/]+=*"$`)
		if got := rec.Header().Get("WWW-Authenticate"); fresh.MatchString(got) != given.fresh {
			t.Errorf("challenge after %q is %s", given.want, got)
		}
	}
	if rec := w.send("Bearer "+w.token(officer, func(c *token.Claims) { c.Audience = AppID }), http.MethodGet, "/secrets"+query, ""); rec.Code != 200 {
		t.Errorf("a token for Key Vault's own application id gave %d %s", rec.Code, rec.Body)
	}
}

func TestA403HasAzuresLinesThenTheEvidenceAndTheCure(t *testing.T) {
	w := newWorld(t)
	w.grant(reader, "Owner", cloud.MustID("/subscriptions/s"))
	authorization := "Bearer " + w.token(reader, func(c *token.Claims) {
		c.Resource, c.Host = "/subscriptions/s/resourcegroups/rg/providers/x/y/id", "/subscriptions/s/resourcegroups/rg/providers/x/y/app"
	})
	rec := w.send(authorization, http.MethodGet, "/secrets/Other/"+query, "")
	var body errorBody
	if err := json.Unmarshal(rec.Body.Bytes(), &body); err != nil {
		t.Fatal(err)
	}
	who := "reader (" + string(reader) + ")"
	want := strings.Join([]string{
		"Caller is not authorized to perform action on resource.",
		"If role assignments, deny assignments or role definitions were changed recently, please observe propagation time.",
		"Caller: appid=" + string(clientOf(reader)) + ";oid=" + string(reader) + ";iss=https://sts.windows.net/" + string(tenant) + "/" +
			";xms_mirid=/subscriptions/s/resourcegroups/rg/providers/x/y/id;xms_az_rid=/subscriptions/s/resourcegroups/rg/providers/x/y/app",
		"Action: 'Microsoft.KeyVault/vaults/secrets/getSecret/action'",
		"Resource: '/subscriptions/s/resourcegroups/rg/providers/microsoft.keyvault/vaults/hello-kv/secrets/other'",
		"Assignment: (not found)",
		"DenyAssignmentId: null",
		"DecisionReason: 'DeniedWithNoValidRBAC' ",
		"Vault: hello-kv;location=westeurope",
		who + " has the role 'Key Vault Secrets User' at " + vaultID.String() + "/secrets/db, but its role allows the action, but at another scope.",
		who + " has the role 'Owner' at /subscriptions/s, but its role is for the other plane: control roles hold no data actions, nor the reverse.",
		"Try: lanyard role assignment create --assignee " + string(reader) + " --role 'Key Vault Secrets User' --scope " + vaultID.String() + "/secrets/Other",
	}, "\r\n")
	if rec.Code != 403 || body.Error.Code != "Forbidden" || body.Error.Inner.Code != "ForbiddenByRbac" || body.Error.Message != want {
		t.Errorf("got %d %s:\n%s\nwant\n%s", rec.Code, body.Error.Code, body.Error.Message, want)
	}
}

func TestSpeakSpellsEveryKind(t *testing.T) {
	for _, kind := range fault.Kinds() {
		rec := httptest.NewRecorder()
		Speak(rec, nil, fault.New(kind, "Code", "Sentence.").Within("Finer").Try("do this"))
		want := `{"error":{"code":"Code","message":"Sentence.\r\nTry: do this","innererror":{"code":"Finer"}}}`
		if rec.Code != kind.Status() || rec.Body.String() != want {
			t.Errorf("%v: got %d %s", kind, rec.Code, rec.Body)
		}
	}
}

func FuzzRequest(f *testing.F) {
	for _, seed := range [][3]string{
		{"GET", "/secrets/db/?api-version=7.4", ""}, {"PUT", "/secrets/db?api-version=7.4", `{"value":"x","attributes":{"exp":1e3}}`},
		{"PATCH", "/secrets/db/00000000000000000000000000000000?api-version=7.4", `{"tags":null}`}, {"DELETE", "/secrets/db?api-version=7.4", ""},
		{"GET", "/secrets?api-version=7.4&maxresults=3&$skiptoken=ZGI", ""}, {"POST", "/deletedsecrets/db/recover?api-version=7.4", "null"},
		{"DELETE", "/deletedsecrets/..%2f?api-version=7.4", "[]"}, {"GET", "//keys/%00?api-version=7.4;x", "{"},
	} {
		f.Add(seed[0], seed[1], seed[2])
	}
	w := newWorld(f)
	authorization := "Bearer " + w.token(officer)
	f.Fuzz(func(t *testing.T, method, target, body string) {
		address, err := url.ParseRequestURI(target)
		if err != nil || regexp.MustCompile(`^[A-Z]{1,10}$`).FindString(method) == "" || method == "CONNECT" {
			t.Skip("no server would let it through")
		}
		r := httptest.NewRequest(method, "https://"+host, strings.NewReader(body))
		address.Scheme, address.Host, r.URL = "", "", address
		r.Header.Set("Authorization", authorization)
		rec := httptest.NewRecorder()
		w.routes.ServeHTTP(rec, r)
		if rec.Code >= 500 && rec.Code != http.StatusNotImplemented {
			t.Errorf("%s %s gave %d %s", method, target, rec.Code, rec.Body)
		}
		var said errorBody
		if rec.Code >= 400 && (json.Unmarshal(rec.Body.Bytes(), &said) != nil || said.Error.Code == "" || said.Error.Message == "") {
			t.Errorf("%s %s gave %d with the body %s", method, target, rec.Code, rec.Body)
		}
	})
}
